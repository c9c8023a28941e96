// What a gate holds back leaves when it is granted: each task once, never more than was granted, with a deadline that begins then.
import { describe, expect, it } from 'vitest';
import type { Json } from '../../../../../src/contract/json.ts';
import { PROPERTY, type TaskBody, type WireMessage } from '../../../../../src/contract/wire.ts';
import { gate, grant } from '../../../../kit/counted-gate.ts';
import { fakeHost } from '../../../../kit/fake-host.ts';
import type { Fate } from '../../../../kit/fake-queue.ts';
import { answer, EXECUTION, isTask, machine, numbers, Scene } from '../../../../kit/fan.ts';
import { inbound } from '../../../../kit/inbound.ts';
import { event, query, stateOf } from '../../../../kit/notes.ts';
import { createRandom } from '../../../../kit/random.ts';

const DEADLINE_MS = 60_000;
const BRANCHES = 40;
const items = numbers(BRANCHES);

const tasks = (scene: Scene): WireMessage[] => scene.queue.sent.filter(isTask);
const timersOf = (scene: Scene) => scene.queue.sent.filter(({ notBefore }) => notBefore !== undefined);

describe('a single task', () => {
  async function held() {
    const one = new Scene({ items: [] }, { gates: [gate] });
    one.queue.put(event('ask'));
    await one.hold();
    return one;
  }

  it('is not sent, and has no deadline, until it is granted', async () => {
    const one = await held();
    expect(tasks(one)).toEqual([]);
    expect(Object.values(stateOf(one.queue).core?.executions ?? {})).toEqual([
      expect.not.objectContaining({ deadlineAt: expect.anything() }),
    ]);
    one.now += 10 * DEADLINE_MS;
    one.queue.put(grant(one, 1));
    await one.hold();
    const deadlineAt = one.now + DEADLINE_MS;
    expect(tasks(one)).toMatchObject([
      { timeToLiveMs: DEADLINE_MS, properties: { [PROPERTY.deadline]: deadlineAt }, body: { deadlineAt } },
    ]);
    const state = stateOf(one.queue);
    expect(Object.values(state.core?.executions ?? {})).toMatchObject([{ deadlineAt }]);
    expect(timersOf(one).at(-1)).toMatchObject({ notBefore: deadlineAt });
    expect(state.control).not.toHaveProperty('unsent');
  });

  it('that is not answered by its deadline is an error for its asker', async () => {
    const one = await held();
    one.now += DEADLINE_MS / 2;
    one.queue.put(grant(one, 1));
    await one.hold();
    const early = [...one.queue.scheduled.values()].map(({ body }) => body);
    one.now += DEADLINE_MS / 2 + 1;
    // The timer that was set as it was asked for finds nothing due.
    one.queue.put(inbound('timer', early[0] ?? null));
    await one.hold();
    expect(stateOf(one.queue).core?.snapshot).toMatchObject({ value: 'asking' });
    one.now += DEADLINE_MS;
    // One looks at all deadlines, and sets one for that which is over.
    for (let round = 0; round < 2; round++) {
      for (const { body } of one.queue.scheduled.values()) one.queue.put(inbound('timer', body));
      await one.hold();
    }
    expect(stateOf(one.queue).core?.snapshot).toMatchObject({ value: 'over' });
  });

  it.each([
    ['is stopped', () => inbound('stop', { kind: 'stop' })],
    ['leaves the state', () => event('leave')],
  ])('of an actor that %s is never sent', async (_, end) => {
    const one = await held();
    one.queue.put(end(), grant(one, 1));
    await one.hold();
    one.queue.put(grant(one, 1));
    await one.hold();
    expect(tasks(one)).toEqual([]);
    expect(one.queue.active.size).toBe(0);
  });
});

describe('a fan-out', () => {
  it('leaves as it is granted; its deadline begins with the last of it', async () => {
    const one = new Scene({ items }, { gates: [gate] });
    await one.hold();
    for (const [at, total] of [3, 3, 20, BRANCHES].entries()) {
      expect(stateOf(one.queue).core?.executions[EXECUTION]).not.toHaveProperty('deadlineAt');
      one.now += 1_000;
      one.queue.put(grant(one, total));
      await one.hold();
      expect(one.branches()).toEqual(numbers(total));
      if (at === 1) continue;
      const last = tasks(one).at(-1)?.body as unknown as TaskBody;
      expect(last.deadlineAt).toBe(one.now + DEADLINE_MS);
    }
    expect(stateOf(one.queue).core?.executions[EXECUTION]).toMatchObject({
      deadlineAt: one.now + DEADLINE_MS,
    });
  });

  it('is seen by who asks: how many have not left, and that none of those is slow', async () => {
    const one = new Scene({ items }, { gates: [gate] });
    await one.hold();
    const seen = async (): Promise<unknown> => {
      one.queue.put(query());
      await one.hold();
      const answers = one.queue.sent.filter(({ subject }) => subject === 'answer');
      return (answers.at(-1)?.body as { snapshot?: unknown } | undefined)?.snapshot;
    };
    expect(await seen()).toMatchObject({ unsent: BRANCHES, gathers: [{ unsent: BRANCHES, open: BRANCHES }] });
    one.queue.put(grant(one, 5));
    await one.hold();
    expect(await seen()).toMatchObject({ unsent: BRANCHES - 5, gathers: [{ slowest: { branch: 0 } }] });
    one.queue.put(grant(one, BRANCHES));
    await one.hold();
    expect(await seen()).not.toHaveProperty('unsent');
  });

  it('whose policy ends after a time does so while its branches wait', async () => {
    const one = new Scene({ items, policy: { afterMs: 1_000, atLeast: 0 } }, { gates: [gate] });
    await one.hold();
    const endsAt = one.now + 1_000;
    expect(stateOf(one.queue).core?.executions[EXECUTION]).toMatchObject({ deadlineAt: endsAt });
    one.now += 600;
    one.queue.put(grant(one, 2));
    await one.hold();
    expect(tasks(one)).toMatchObject([{ timeToLiveMs: 400 }, { timeToLiveMs: 400 }]);
    one.now = endsAt;
    for (let round = 0; round < 2; round++) {
      for (const { body } of one.queue.scheduled.values()) one.queue.put(inbound('timer', body));
      await one.hold();
    }
    expect(stateOf(one.queue).core?.snapshot).toMatchObject({ value: 'over' });
    expect(one.branches()).toEqual(numbers(2));
  });

  it('that is cancelled with a part of it unsent closes until the end of what has left', async () => {
    const one = new Scene({ items }, { gates: [gate] });
    await one.hold();
    one.queue.put(grant(one, 5));
    await one.hold();
    one.queue.put(inbound('stop', { kind: 'stop' }));
    await one.hold();
    const close = stateOf(one.queue).outbox.find(({ kind }) => kind === 'close');
    expect(close).toMatchObject({ until: one.now + DEADLINE_MS + 3_600_000 + 60_000 });
    expect(one.branches()).toEqual(numbers(5));
  });

  it('done in any case passes a gate that only orders, and no other', async () => {
    for (const held of [gate, { ...gate, ordersOnly: true as const }]) {
      const one = new Scene({ items, cancel: 'ignore' }, { gates: [held] });
      await one.hold();
      one.queue.put(inbound('stop', { kind: 'stop' }));
      await one.hold();
      expect(one.branches()).toEqual(held === gate ? [] : items);
    }
  });

  it('sends each branch once and never more than was granted, whatever crashes', async () => {
    const random = createRandom();
    const fates = ['dies-before', 'dies-after', 'lost', 'lost-after'] as const satisfies Fate[];
    for (let run = 0; run < 30; run++) {
      const one = new Scene({ items: items as Json }, { gates: [gate] });
      let total = 0;
      const crashing = async (): Promise<void> => {
        for (let holds = 0; one.queue.active.size > 0; holds++) {
          const at = holds < 4 ? random.below(10) : -1;
          let steps = 0;
          const host = fakeHost(machine, { clock: { now: () => one.now }, gates: [gate] });
          await one.queue.hold(host, { fate: () => (steps++ === at ? random.pick(fates) : 'done') });
        }
      };
      await crashing();
      while (total < BRANCHES) {
        total = Math.min(BRANCHES, total + random.below(12));
        one.queue.put(grant(one, total), answer(random.below(Math.max(1, total - 1))));
        await crashing();
        expect(one.branches(), `QUORATE_TEST_SEED=${random.seed}, run ${run}`).toEqual(numbers(total));
      }
    }
  });
});

// A fan-out of more than a slice is sent between other messages: what comes is applied before the next slice, what nobody waits for
// any more is never sent, and each branch leaves once or never.
import { describe, expect, it } from 'vitest';
import { SLICE } from '../../../../../src/actors/host/unsent/unsent.ts';
import { QuorateError } from '../../../../../src/contract/errors.ts';
import type { Json } from '../../../../../src/contract/json.ts';
import { MAX_BODY_BYTES } from '../../../../../src/contract/sizes.ts';
import { PROPERTY, type TaskBody } from '../../../../../src/contract/wire.ts';
import { quorum } from '../../../../../src/machines/policies.ts';
import { fakeHost } from '../../../../kit/fake-host.ts';
import { answer, BRANCHES, EXECUTION, isTask, machine, numbers, Scene, SLICES } from '../../../../kit/fan.ts';
import { inbound } from '../../../../kit/inbound.ts';
import { memoryPayloads } from '../../../../kit/memory-storage.ts';
import { asker, event, query, start, stateOf } from '../../../../kit/notes.ts';

describe.each([
  ['a cancel', () => inbound('stop', { kind: 'stop' })],
  ['what leaves the state', () => event('leave')],
  ['the decision of the gather', () => answer(0)],
])('%s', (_, end) => {
  it.each(numbers(SLICES))('is applied before the slice that is next, after %i of them', async (prefix) => {
    const one = new Scene({ policy: quorum(1) as unknown as Json });
    await one.hold((at) => {
      if (at === prefix) one.queue.put(end());
    });
    expect(one.branches()).toEqual(numbers((prefix + 1) * SLICE));
    expect(one.queue.active.size).toBe(0);
    expect(stateOf(one.queue)).not.toHaveProperty('control');
    expect(stateOf(one.queue).core?.executions).toEqual({});
  });
});

it('a query is answered between two slices', async () => {
  const one = new Scene();
  await one.hold((at) => {
    if (at === 1) one.queue.put(query());
  });
  const order = one.queue.sent.filter((message) => isTask(message) || message.subject === 'answer');
  expect(order.findIndex(({ subject }) => subject === 'answer')).toBe(2 * SLICE);
  expect(one.branches()).toEqual(numbers(BRANCHES));
});

it('answers to what has left are taken meanwhile, and change nothing of what is to leave', async () => {
  const one = new Scene();
  await one.hold((at) => one.queue.put(answer(at), answer(at + SLICES)));
  expect(one.branches()).toEqual(numbers(BRANCHES));
  expect(stateOf(one.queue).core?.executions[EXECUTION]).toMatchObject({ gather: { ok: 2 * SLICES } });
});

it('what has to be done in any case leaves at once when nobody waits for it any more', async () => {
  const one = new Scene({ cancel: 'ignore' });
  await one.hold((at) => {
    if (at === 1) one.queue.put(inbound('stop', { kind: 'stop' }));
  });
  expect(one.branches()).toEqual(numbers(BRANCHES));
  expect(stateOf(one.queue).core?.status).toBe('stopped');
});

it('a purge, and a start after it, mix nothing up', async () => {
  const one = new Scene();
  await one.hold((at) => {
    if (at === 1) one.queue.put(inbound('purge', { kind: 'purge', asker }), start({}, { input: {} }));
  });
  const [first, ...others] = Map.groupBy(
    one.queue.sent.filter(isTask),
    ({ body }) => (body as unknown as TaskBody).execution,
  ).values();
  expect(first).toHaveLength(2 * SLICE);
  expect(others.map(({ length }) => length)).toEqual([BRANCHES]);
  expect(one.queue.active.size).toBe(0);
});

it('a second fan-out of the same life goes on by messages of its own', async () => {
  const one = new Scene();
  await one.hold((at) => {
    if (at === 1) one.queue.put(event('leave'));
  });
  one.queue.put(event('again'));
  await one.hold();
  expect(one.branches()).toEqual([...numbers(2 * SLICE), ...numbers(BRANCHES)]);
  expect(one.queue.repeats).toEqual([]);
});

it('an agent whose queue is not there holds up the slices behind; they come by themselves when it is back', async () => {
  // Refused once: the second try of the same hold finds it there.
  const one = new Scene();
  await one.hold((at) => (at === 2 ? new QuorateError('TOPOLOGY_MISMATCH', 'no queue') : undefined));
  const refused = new QuorateError('TOPOLOGY_MISMATCH', 'no queue');
  const two = new Scene();
  await two.hold((at) => (at >= 2 ? refused : undefined));
  expect(two.branches()).toEqual(numbers(2 * SLICE));
  expect(stateOf(two.queue)).toMatchObject({ quarantine: { code: 'TOPOLOGY_MISMATCH' } });
  expect(two.host.problems).toEqual([expect.stringContaining('a scatter to a: no queue')]);
  const wake = two.queue.sent.find(({ body }) => JSON.stringify(body).includes('deliver#'));
  two.queue.put(inbound('timer', wake?.body ?? null));
  await two.hold();
  for (const scene of [one, two]) {
    expect(scene.branches()).toEqual(numbers(BRANCHES));
    expect(stateOf(scene.queue)).not.toHaveProperty('quarantine');
    expect(scene.queue.active.size + scene.queue.deferred.size).toBe(0);
  }
});

it('a slice that would leave too late after its commit is left to the next hold (I2)', async () => {
  const one = new Scene();
  let slices = 0;
  await one.hold(undefined, {
    before: (step) => {
      // The commit of the third slice took half of the duplicate window.
      if (step.kind === 'commit' && ++slices === 3) one.now += 30_001;
    },
  });
  expect(one.branches()).toEqual(numbers(2 * SLICE));
  await one.hold();
  expect(one.branches()).toEqual(numbers(BRANCHES));
});

it('moves to another version with its machine; what that one does not know is not sent', async () => {
  for (const keeps of [true, false]) {
    const one = new Scene();
    let slices = 0;
    await one.hold(() => (++slices === 2 ? 'dies-after' : 'done'));
    const move = (snapshot: Json) =>
      keeps ? snapshot : { snapshot: { ...(snapshot as object), value: 'over' }, dropped: ['fan'] };
    const host = fakeHost(machine, { migrate: 'move', move, machine: { ...one.host.machine, version: '2' } });
    await one.queue.hold(host);
    expect(one.branches()).toEqual(numbers(keeps ? BRANCHES : 2 * SLICE));
    expect(stateOf(one.queue).version).toBe('2');
  }
});

describe('branches', () => {
  it('of items that lie in the payload store are read once a hold', async () => {
    const payloads = memoryPayloads();
    let reads = 0;
    const host = {
      payloads: {
        ...payloads,
        get: (...given: Parameters<typeof payloads.get>) => {
          reads += 1;
          return payloads.get(...given);
        },
      },
    };
    const one = new Scene({ items: numbers(BRANCHES).map((at) => `${at}`.padStart(100, 'x')) }, host);
    await one.hold();
    expect(one.branches()).toEqual(numbers(BRANCHES));
    expect(JSON.stringify(one.queue.commits()[0]).length).toBeLessThan(10_000);
    expect(reads).toBe(1);
  });

  it('that do not travel beside what all share lie in the payload store', async () => {
    const shared = 'x'.repeat(MAX_BODY_BYTES - 50_000);
    const one = new Scene({ items: ['y'.repeat(60_000), ...numbers(SLICE)], shared });
    await one.hold();
    const [first, second] = one.queue.sent.filter(isTask);
    expect(first?.properties?.[PROPERTY.claimed]).toBeDefined();
    expect(second?.properties?.[PROPERTY.claimed]).toBeUndefined();
    expect(one.branches()).toEqual(numbers(SLICE + 1));
  });

  it('whose items are gone fail the fan-out, once', async () => {
    const one = new Scene({ items: { $payload: 'test/m/1/life/gone', bytes: 9, count: BRANCHES } });
    await one.hold();
    const failures = one.queue.sent.filter(({ subject }) => subject === 'reply');
    expect(failures).toHaveLength(1);
    expect(stateOf(one.queue).core?.snapshot).toMatchObject({ value: 'over' });
    expect(stateOf(one.queue)).not.toHaveProperty('control');
  });
});

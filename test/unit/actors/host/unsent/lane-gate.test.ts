// An asker of an agent with a lane, with the lane itself beside it: what it asks for, what it gives back, and that whatever dies in
// between neither loses a task nor sends one that was not granted.
import { describe, expect, it } from 'vitest';
import { agentsOf, type Gate } from '../../../../../src/actors/host/unsent/gates.ts';
import { createLaneGate } from '../../../../../src/actors/host/unsent/lane-gate.ts';
import { CONTROL } from '../../../../../src/contract/entities.ts';
import type { EventJson, Json } from '../../../../../src/contract/json.ts';
import { PROPERTY } from '../../../../../src/contract/wire.ts';
import { type LaneState, reduceLane } from '../../../../../src/control/lane/lane.ts';
import type { LaneGrant, Want } from '../../../../../src/control/lane/protocol.ts';
import { fakeHost } from '../../../../kit/fake-host.ts';
import type { Fate } from '../../../../kit/fake-queue.ts';
import { answer, isTask, machine, numbers, Scene } from '../../../../kit/fan.ts';
import { inbound } from '../../../../kit/inbound.ts';
import { event, stateOf } from '../../../../kit/notes.ts';
import { createRandom } from '../../../../kit/random.ts';

const CONCURRENCY = 4;
const BRANCHES = 30;
/** To an agent that has nothing to do: a task for each slot, and for every other one. */
const FIRST = 6;
const gates = [createLaneGate({ a: { weights: { acme: 2 }, concurrency: CONCURRENCY } })];

/** An actor and its lane. What runs the agent is the test: it says what has begun. */
class Lane {
  readonly scene: Scene;
  state: LaneState | undefined;
  granted = 0;
  #read = 0;
  #reports = 0;
  #begun = 0;

  constructor(
    plan: ConstructorParameters<typeof Scene>[0],
    properties: Record<string, string> = {},
    through: readonly Gate[] = gates,
  ) {
    this.scene = new Scene(plan, { gates: through }, properties);
  }

  get tasks(): number {
    return this.scene.queue.sent.filter(isTask).length;
  }

  wants(): Want[] {
    return this.scene.queue.sent
      .filter(({ entity }) => entity === CONTROL)
      .map(({ body }) => (body as unknown as { event: Want }).event);
  }

  /** The lane reads what was sent to it, and its grants come to the actor. */
  answer(): void {
    for (const want of this.wants().slice(this.#read)) this.tell(want as unknown as EventJson);
    this.#read = this.wants().length;
  }

  tell(given: EventJson): void {
    const { state, answers } = reduceLane(this.state, given, this.scene.now);
    this.state = state;
    for (const { to, value } of answers) {
      expect(to).toMatchObject({ entity: 'actor.m', sessionId: '1' });
      this.granted = Math.max(this.granted, (value as unknown as LaneGrant).granted);
      this.scene.queue.put(inbound('granted', { kind: 'granted', execution: to.correlationId, value }));
    }
  }

  /** All that is in the queue is begun. */
  begin(): void {
    const count = this.tasks - this.#begun;
    this.#begun = this.tasks;
    const seq = this.#reports++;
    const tenants = { [this.wants()[0]?.tenant ?? '']: count };
    const report = {
      type: 'began',
      process: 'p',
      seq,
      tenants,
      concurrency: CONCURRENCY,
      running: CONCURRENCY,
    };
    this.tell(report);
  }

  async round(): Promise<void> {
    await this.scene.hold();
    this.answer();
    await this.scene.hold();
  }
}

describe('an actor whose agent has a lane', () => {
  it('asks once, sends what it is granted, and in the end has asked for no more than it had', async () => {
    const one = new Lane({ items: numbers(BRANCHES) });
    await one.scene.hold();
    expect(one.tasks).toBe(0);
    expect(one.wants()).toMatchObject([
      {
        type: 'want',
        tenant: '',
        priority: 'normal',
        weight: 1,
        demand: BRANCHES,
        granted: 0,
        concurrency: CONCURRENCY,
      },
    ]);
    await one.round();
    expect(one.tasks).toBe(FIRST);
    for (let n = 0; n < 20; n++) {
      one.begin();
      await one.round();
    }
    expect(one.scene.branches()).toEqual(numbers(BRANCHES));
    expect(one.wants()).toHaveLength(1);
    expect(one.state?.askers).toEqual({});
    const { control } = stateOf(one.scene.queue);
    expect(control).not.toHaveProperty('more.underWay', true);
    expect(control?.lanes?.['a']).toMatchObject({ left: BRANCHES, granted: BRANCHES, demand: BRANCHES });
  });

  it('says on whose behalf, with the weight of that tenant', async () => {
    const properties = { [PROPERTY.tenant]: 'acme', [PROPERTY.priority]: 'high' };
    const one = new Lane({ items: numbers(3) }, properties);
    await one.round();
    expect(one.wants()).toMatchObject([{ tenant: 'acme', priority: 'high', weight: 2, demand: 3 }]);
    expect(one.scene.queue.sent.filter(isTask).map(({ properties: of }) => of?.[PROPERTY.tenant])).toEqual(
      Array.from({ length: 3 }, () => 'acme'),
    );
  });

  it('that is stopped gives back what it was granted and has not sent, and takes no grant any more', async () => {
    const one = new Lane({ items: numbers(BRANCHES) });
    await one.scene.hold();
    one.answer();
    // The grant is on its way when it is stopped: the stop is first.
    const late = [...one.scene.queue.active.values()];
    one.scene.queue.active.clear();
    one.scene.queue.put(inbound('stop', { kind: 'stop' }));
    await one.scene.hold();
    one.scene.queue.put(...late);
    await one.round();
    expect(one.tasks).toBe(0);
    expect(one.wants().at(-1)).toMatchObject({ demand: 0, seq: 2 });
    expect(one.state).toMatchObject({ askers: {}, queues: {} });
  });

  it('that leaves the state and asks again counts on, and is granted again', async () => {
    const one = new Lane({ items: numbers(BRANCHES) });
    await one.round();
    const sent = one.tasks;
    one.scene.queue.put(event('leave'));
    await one.round();
    one.scene.queue.put(event('again'));
    await one.round();
    expect(one.wants().at(-1)).toMatchObject({ demand: sent + BRANCHES, granted: sent });
    for (let n = 0; n < 20; n++) {
      one.begin();
      await one.round();
    }
    expect(one.tasks).toBe(sent + BRANCHES);
  });

  it('asks again where nothing came for a minute, and is told what it missed', async () => {
    const one = new Lane({ items: numbers(BRANCHES) });
    await one.scene.hold();
    one.answer();
    one.scene.queue.active.clear();
    one.scene.now += 60_000;
    const again = [...one.scene.queue.scheduled.values()].find(({ body }) =>
      JSON.stringify(body).includes('more#'),
    );
    one.scene.queue.put(inbound('timer', again?.body ?? null));
    await one.round();
    expect(one.wants()).toHaveLength(2);
    expect(one.tasks).toBe(FIRST);
  });

  it('of agents of which one has a lane sends in order, up to what that one lacks', async () => {
    const one = new Lane({ agents: ['b', 'a'], items: numbers(BRANCHES) });
    await one.round();
    // One for each item and agent: the first that lacks a grant is the seventh of a.
    expect(one.tasks).toBe(2 * FIRST + 1);
    expect(one.wants()[0]).toMatchObject({ demand: BRANCHES });
  });

  it('asks for no more than other gates let leave, and for more when they let more', async () => {
    let open = 5;
    const purse: Gate = {
      holds: () => true,
      grants: ({ lanes }, _, most) => Math.min(most, open - (lanes?.['a']?.left ?? 0)),
      taken: (control) => control,
    };
    const one = new Lane({ items: numbers(BRANCHES) }, {}, [purse, ...gates]);
    for (let n = 0; n < 3; n++) {
      await one.round();
      if (n > 0) one.begin();
    }
    expect(one.wants()).toMatchObject([{ demand: 5 }]);
    expect(one.tasks).toBe(5);
    open = 11;
    // Any commit looks again.
    one.scene.queue.put(answer(0));
    for (let n = 0; n < 3; n++) {
      await one.round();
      one.begin();
    }
    expect(one.wants().at(-1)).toMatchObject({ demand: 11, granted: 5 });
    expect(one.tasks).toBe(11);
    expect(one.state?.askers).toEqual({});
  });

  it('holds back no broadcast, whatever its subscriptions are called', () => {
    const work = {
      kind: 'scatter',
      execution: '1.0',
      items: [1],
      total: 1,
      cursor: 0,
      deadlineAt: 9,
    } as const;
    const [gate] = gates;
    const broadcast = { ...work, agents: ['a'], topic: 'news' };
    expect(gate?.holds(undefined, agentsOf(broadcast))).toBe(false);
    expect(gate?.holds(undefined, agentsOf({ ...work, agents: ['b', 'a'] }))).toBe(true);
    const context = { actor: { type: 'm', id: '1' }, incarnation: 'i', now: 1, others: () => 1 };
    expect(gate?.asks?.({}, [broadcast], context).entries).toEqual([]);
  });

  it('whatever dies, sends each task once and none that was not granted', async () => {
    const random = createRandom();
    const fates = ['dies-before', 'dies-after', 'lost', 'lost-after'] as const satisfies Fate[];
    for (let run = 0; run < 20; run++) {
      const one = new Lane({ items: numbers(BRANCHES) as Json });
      const { queue } = one.scene;
      const holds = async (): Promise<void> => {
        for (let n = 0; queue.active.size > 0; n++) {
          const at = n < 3 ? random.below(9) : -1;
          let steps = 0;
          const host = fakeHost(machine, { clock: { now: () => one.scene.now }, gates });
          await queue.hold(host, { fate: () => (steps++ === at ? random.pick(fates) : 'done') });
        }
      };
      for (let n = 0; n < 20; n++) {
        await holds();
        one.answer();
        await holds();
        const { granted } = one;
        expect(one.tasks, `QUORATE_TEST_SEED=${random.seed}, run ${run}`).toBeLessThanOrEqual(granted);
        one.begin();
      }
      await holds();
      expect(one.scene.branches(), `QUORATE_TEST_SEED=${random.seed}, run ${run}`).toEqual(numbers(BRANCHES));
    }
  });
});

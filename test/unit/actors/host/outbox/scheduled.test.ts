// The law of scheduled messages: once an actor rests, the broker holds exactly those whose token is in its state, whatever
// died in between and whoever holds it next. And the price: in one process nobody looks and nothing is committed for it.
import {
  array,
  assert,
  asyncProperty,
  constant,
  constantFrom,
  integer,
  nat,
  oneof,
  option,
  record,
  tuple,
} from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cancel, raise, setup } from 'xstate';
import { TimerMemory, takeRetriesBack } from '../../../../../src/actors/host/outbox/scheduled.ts';
import { inLife, withoutLife } from '../../../../../src/actors/protocol/ids.ts';
import { noteRetry } from '../../../../../src/actors/protocol/retries.ts';
import type { InboundMessage } from '../../../../../src/contract/wire.ts';
import { fakeHost } from '../../../../kit/fake-host.ts';
import { FakeQueue, type Fate } from '../../../../kit/fake-queue.ts';
import { inbound } from '../../../../kit/inbound.ts';
import { memoryResults } from '../../../../kit/memory-storage.ts';
import { asker, event, start, stateOf } from '../../../../kit/notes.ts';

const HOUR = 3_600_000;

const clocks = setup({
  types: { events: {} as { type: 'set a' | 'set b' | 'unset a' | 'unset b' | 'leave' | 'finish' } },
}).createMachine({
  initial: 'open',
  on: {
    'set a': { actions: raise({ type: 'leave' }, { delay: HOUR, id: 'a' }) },
    'set b': { actions: raise({ type: 'leave' }, { delay: HOUR, id: 'b' }) },
    'unset a': { actions: cancel('a') },
    'unset b': { actions: cancel('b') },
    finish: '.over',
  },
  states: {
    open: { after: { [24 * HOUR]: 'left' }, on: { leave: 'left' } },
    left: { after: { [48 * HOUR]: 'open' }, on: { leave: 'open' } },
    over: { type: 'final' },
  },
});

/** Tokens of what lies in the broker for this actor, sorted. */
function lying(queue: FakeQueue): string[] {
  return [...queue.scheduled.values()]
    .map(({ body }) => withoutLife((body as { token: string }).token))
    .sort();
}

/** Tokens that the state waits for: its timers, or the end of what is left of it. */
function waitedFor(queue: FakeQueue): string[] {
  if (queue.state === null) return [];
  const { core } = stateOf(queue);
  if (core === null) return [];
  return core.status === 'active' ? Object.keys(core.timers).sort() : [`expire#${core.incarnation}`];
}

const purge = (): InboundMessage => inbound('purge', { kind: 'purge', asker });
const stop = (): InboundMessage => inbound('stop', { kind: 'stop' });

describe('a timer that is cancelled', () => {
  it('is taken back by its number in the process that set it, without a look and without a commit of its own', async () => {
    const queue = new FakeQueue();
    const host = fakeHost(clocks);
    queue.put(start());
    await queue.hold(host);
    expect(lying(queue)).toHaveLength(1);
    queue.put(event('leave'));
    await queue.hold(host);
    expect(lying(queue)).toEqual(waitedFor(queue));
    expect(queue.log().filter((kind) => kind === 'peek' || kind === 'commit')).toEqual(['commit', 'commit']);
  });

  it('is found by whoever holds the actor next, in a restarted process', async () => {
    const queue = new FakeQueue();
    queue.put(start());
    await queue.hold(fakeHost(clocks));
    queue.put(event('leave'));
    await queue.hold(fakeHost(clocks));
    expect(lying(queue)).toEqual(waitedFor(queue));
    expect(queue.log().filter((kind) => kind === 'peek')).toHaveLength(1);
  });

  it('in the batch that set it never leaves', async () => {
    const queue = new FakeQueue();
    queue.put(start(), event('set a'), event('unset a'));
    await queue.hold(fakeHost(clocks));
    expect(lying(queue)).toEqual(waitedFor(queue));
    expect(queue.sent.filter(({ subject }) => subject === 'timer')).toHaveLength(1);
    expect(queue.log()).not.toContain('cancel');
  });

  it('is taken back before its event is settled: a crash repeats it', async () => {
    const queue = new FakeQueue();
    queue.put(start());
    await queue.hold(fakeHost(clocks));
    queue.put(event('leave'));
    const fate = (step: { kind: string }): Fate => (step.kind === 'cancel' ? 'dies-before' : 'done');
    await queue.hold(fakeHost(clocks), { fate });
    expect(queue.active.size).toBe(1);
    await queue.hold(fakeHost(clocks));
    expect(lying(queue)).toEqual(waitedFor(queue));
  });
});

const act = oneof(
  constantFrom('set a', 'set b', 'unset a', 'unset b', 'leave', 'finish').map((type) => () => event(type)),
  constant(stop),
  constant(purge),
  constant(() => start()),
);

it('the broker holds what the state waits for and nothing else, through every crash and every change of hosts', async () => {
  const hold = record({
    acts: array(act, { minLength: 1, maxLength: 4 }),
    process: constantFrom('same', 'other', 'new'),
    takes: array(integer({ min: 1, max: 3 }), { maxLength: 3 }),
    death: option(tuple(nat(12), constantFrom<Fate>('dies-before', 'dies-after', 'lost-after')), {
      nil: undefined,
    }),
  });
  await assert(
    asyncProperty(array(hold, { minLength: 1, maxLength: 6 }), async (holds) => {
      const queue = new FakeQueue();
      queue.put(start());
      const memories = { same: new TimerMemory(), other: new TimerMemory() };
      for (const { acts, process, takes, death } of holds) {
        queue.put(...acts.map((make) => make()));
        const timerMemory = process === 'new' ? new TimerMemory() : memories[process];
        const fate = (_: unknown, at: number): Fate => (death?.[0] === at ? death[1] : 'done');
        await queue.hold(fakeHost(clocks, { timerMemory }), { takes, fate });
        if (queue.active.size > 0) await queue.hold(fakeHost(clocks, { timerMemory }));
        expect(queue.active.size).toBe(0);
        expect(lying(queue)).toEqual(waitedFor(queue));
      }
    }),
    { numRuns: 150 },
  );
}, 60_000);

//

const NOW = 1_000;
it('of the two, agent and asker, the later one sees the other', async () => {
  const cancelled: unknown[] = [];
  const context = {
    incarnation: 'i',
    family: 'test/m/1',
    results: memoryResults(),
    bridge: {
      cancelScheduled: async (entity: string, numbers: readonly number[]) => {
        cancelled.push([entity, [...numbers].toSorted((one, other) => one - other)]);
        return [];
      },
    },
    clock: { now: () => NOW },
  };
  const note = (key: string, sequenceNumber: number, dueAt = NOW + 1) =>
    noteRetry(
      context.results,
      { family: context.family, execution: inLife('a', 'i'), key },
      { entity: 'agent.x', sequenceNumber, dueAt },
    );
  expect(await note('k1', 1)).toBe(false);
  expect(await note('k2', 2)).toBe(false);
  expect(await note('k1', 3)).toBe(false);
  expect(await note('due', 4, NOW)).toBe(false);
  const close = [{ kind: 'cancel', entity: 'actor.m', execution: 'a' }] as const;
  await takeRetriesBack([{ kind: 'cancel', entity: 'actor.m', token: 't' }, ...close], context);
  expect(cancelled).toEqual([['agent.x', [2, 3]]]);
  expect(await note('k3', 5)).toBe(true);
});

// What nobody outside has sent, and nobody can send again: when it cannot be applied it ends its actor in error, as in XState, or
// is held until what is wrong is fixed (I7). No dead letter, and nobody who waits in vain.
import { describe, expect, it } from 'vitest';
import { runTurns } from '../../../../src/actors/core/run-turns.ts';
import type { TurnRequest } from '../../../../src/contract/turn.ts';
import { isInternal } from '../../../../src/contract/turn.ts';
import type { InboundMessage } from '../../../../src/contract/wire.ts';
import type { WorkerResponse } from '../../../../src/contract/worker.ts';
import type { FakeHost, FakeHostOptions } from '../../../kit/fake-host.ts';
import { fakeHost } from '../../../kit/fake-host.ts';
import { FakeQueue } from '../../../kit/fake-queue.ts';
import type { Fault } from '../../../kit/faulty-machine.ts';
import { faultyMachine, INTERNAL, timerOf } from '../../../kit/faulty-machine.ts';
import { inbound } from '../../../kit/inbound.ts';
import { asker, event, start, stateOf } from '../../../kit/notes.ts';

const LATE = { clock: { now: () => 2_000_000 } };

const parent = {
  address: { type: 'peer', id: 'p' },
  reply: { entity: 'actor.peer', sessionId: 'p', correlationId: '7.0' },
  syncSnapshot: false,
};

/** A child of 'peer/p' whose result a client awaits, with something of every kind on its way to it. */
async function waiting(fault: Fault): Promise<FakeQueue> {
  const queue = new FakeQueue();
  queue.put(start({}, { input: { fault }, parent }), inbound('await', { kind: 'await', asker }));
  await queue.hold(fakeHost(faultyMachine));
  queue.put(timerOf(queue, ({ kind }) => kind === 'deadlines'));
  await queue.hold(fakeHost(faultyMachine, LATE));
  queue.steps.length = 0;
  queue.settled.clear();
  queue.sent.length = 0;
  return queue;
}

const isInside = ({ inputs }: TurnRequest): boolean => inputs.some(isInternal);
const dies = (request: TurnRequest): WorkerResponse | undefined =>
  isInside(request) ? { kind: 'failed', error: { code: 'WORKER_DIED', message: 'gone' } } : undefined;
const impure = (request: TurnRequest): WorkerResponse | undefined => {
  if (!isInside(request)) return undefined;
  const violations = [{ code: 'IMPURE_TURN', message: 'the machine called fetch() inside a turn' }];
  const violation = () => violations.pop();
  return {
    kind: 'turn',
    result: { ...runTurns(faultyMachine, request, { begin: () => {}, violation }), threadId: 1 },
  };
};

interface Trouble {
  readonly fault: Fault;
  readonly instead?: NonNullable<FakeHostOptions['instead']>;
}

/** By the code that it gives. */
const TROUBLES: Readonly<Record<string, Trouble>> = {
  MACHINE_THREW: { fault: 'throws' },
  MACHINE_LOOPS: { fault: 'loops' },
  MACHINE_NOT_DURABLE: { fault: 'map' },
  MACHINE_NOT_FOUND: { fault: 'nobody' },
  EFFECT_TOO_LARGE: { fault: 'huge event' },
  IMPURE_TURN: { fault: 'none', instead: impure },
  TURN_POISONED: { fault: 'none', instead: dies },
};

type Case = readonly [
  code: string,
  what: string,
  trouble: Trouble,
  make: (queue: FakeQueue) => InboundMessage,
];

/** Every kind for what the core and what the host find out; of the others, which are found in the same two places, two. */
const WHOLE = new Set(['MACHINE_THREW', 'TURN_POISONED', 'EFFECT_TOO_LARGE']);
const SOME = new Set(['an answer', 'a timer']);

const cases: Case[] = [
  ...Object.entries(TROUBLES).flatMap(([code, trouble]) =>
    Object.entries(INTERNAL)
      .filter(([what]) => WHOLE.has(code) || SOME.has(what))
      .map(([what, make]): Case => [code, what, trouble, make]),
  ),
  // Once: it is 33 MB.
  ['STATE_TOO_LARGE', 'an answer', { fault: 'huge state' }, INTERNAL['an answer']],
];

const deadLetters = (queue: FakeQueue) =>
  [...queue.settled.values()].filter(({ kind }) => kind === 'deadLetter');
const sentTo = (queue: FakeQueue, session: string) =>
  queue.sent.filter(({ sessionId }) => sessionId === session);
const deferrals = (queue: FakeQueue): number[] => [...queue.deferred.keys()].sort((a, b) => a - b);
const release = (): InboundMessage => inbound('release', { kind: 'release', asker });

function host(trouble: Trouble, more: FakeHostOptions = {}): FakeHost {
  return fakeHost(faultyMachine, {
    ...more,
    ...(trouble.instead === undefined ? {} : { instead: trouble.instead }),
  });
}

describe('an internal message that cannot be applied', () => {
  it.each(cases)(
    '%s at %s: ends its actor in error, and tells who waits',
    async (code, _what, trouble, make) => {
      const queue = await waiting(trouble.fault);
      const before = stateOf(queue).core?.snapshot as { value: unknown; context: unknown };
      const message = make(queue);
      queue.put(message, event('after it'));
      const one = host(trouble);
      await queue.hold(one);

      const { core } = stateOf(queue);
      expect(core).toMatchObject({
        status: 'error',
        error: { code },
        snapshot: { value: before.value, context: before.context, children: {} },
      });
      expect([core?.executions, core?.timers, core?.waiters]).toEqual([{}, {}, []]);
      expect(queue.settled.get(message.sequenceNumber)).toEqual({ kind: 'complete' });
      // Of the event behind it alone, which found the actor ended.
      expect(deadLetters(queue)).toMatchObject([{ reason: 'ACTOR_ENDED' }]);
      const outcome = { status: 'error', error: { code } };
      expect(sentTo(queue, 'p')).toMatchObject([
        { subject: 'reply', body: { kind: 'reply', execution: '7.0', outcome } },
      ]);
      expect(sentTo(queue, 'client')).toMatchObject([
        { subject: 'answer', body: { answer: 'outcome', outcome } },
      ]);
      expect(one.counters).toMatchObject({ failed: 1 });
      expect(one.problems.filter((line) => line.startsWith('ended in error'))).toHaveLength(1);
    },
  );

  it('lets go of the child that still runs, and of nothing twice', async () => {
    const queue = await waiting('throws');
    queue.put(INTERNAL['a timer'](queue));
    await queue.hold(fakeHost(faultyMachine));
    expect(queue.sent.filter(({ subject }) => subject === 'stop')).toMatchObject([{ entity: 'actor.peer' }]);
  });

  it.each(Object.keys(INTERNAL))('%s that is not waited for any more ends nothing', async (what) => {
    const queue = await waiting('none');
    const make = INTERNAL[what as keyof typeof INTERNAL];
    const stale = make(queue);
    queue.put(INTERNAL['a timer'](queue));
    await queue.hold(fakeHost(faultyMachine));
    // In hand when ten hosts were gone: nothing of it is to blame.
    queue.put({ ...stale, deliveryCount: 1 });
    const one = fakeHost(faultyMachine, { instead: dies });
    await queue.hold(one);
    expect(stateOf(queue).core).toMatchObject({ status: 'active', snapshot: { value: 'taken' } });
    expect(one.counters).toMatchObject({ failed: 0 });
    expect(deadLetters(queue)).toEqual([]);
  });

  it('ends it once, wherever its host dies', async () => {
    for (const code of ['MACHINE_THREW', 'EFFECT_TOO_LARGE', 'TURN_POISONED']) {
      const trouble = TROUBLES[code] as Trouble;
      for (const fate of ['dies-before', 'dies-after', 'lost', 'lost-after'] as const) {
        for (let at = 0, reached = true; reached; at++) {
          const queue = await waiting(trouble.fault);
          queue.put(INTERNAL['an answer'](queue));
          let steps = 0;
          for (let holds = 0; holds < 3; holds++)
            await queue.hold(host(trouble), { fate: () => (steps++ === at ? fate : 'done') });
          reached = steps > at;
          const where = `${code}, ${fate} at step ${at}`;
          expect(stateOf(queue).core, where).toMatchObject({ status: 'error', error: { code } });
          expect([sentTo(queue, 'p').length, sentTo(queue, 'client').length], where).toEqual([1, 1]);
          expect([queue.active.size, deadLetters(queue).length], where).toEqual([0, 0]);
        }
      }
    }
  });
});

describe('with onPoison: quarantine', () => {
  const holding = (trouble: Trouble): FakeHost => host(trouble, { onPoison: 'quarantine' });
  /** The next version of the machine takes it. */
  const fixed = (): FakeHost =>
    fakeHost(faultyMachine, {
      onPoison: 'quarantine',
      machine: { type: 'm', module: 'none', export: 'none', version: '2', path: [] },
      migrate: 'move',
      move: (snapshot) => {
        const { context } = snapshot as { context: object };
        return { ...(snapshot as object), context: { ...context, fault: 'none' } };
      },
    });

  it.each(cases)(
    '%s at %s: is held at the head, until it is released',
    async (code, _what, trouble, make) => {
      const queue = await waiting(trouble.fault);
      const before = stateOf(queue).core;
      const message = make(queue);
      const behind = event('behind it');
      queue.put(message, behind);
      await queue.hold(holding(trouble));
      expect(stateOf(queue)).toMatchObject({ core: before, attempts: {} });
      const numbers = [message.sequenceNumber, behind.sequenceNumber];
      expect(stateOf(queue).quarantine).toMatchObject({ code, parked: numbers });
      expect(deferrals(queue)).toEqual(numbers);

      // Not fixed yet.
      queue.put(release());
      await queue.hold(holding(trouble));
      expect(stateOf(queue)).toMatchObject({ core: before, quarantine: { code, parked: numbers } });
      expect(deferrals(queue)).toEqual(numbers);

      queue.put(release());
      await queue.hold(fixed());
      expect(stateOf(queue).quarantine).toBeUndefined();
      expect(stateOf(queue).core).toMatchObject({ status: 'active', snapshot: { value: 'taken' } });
      expect(stateOf(queue).core).toMatchObject({ snapshot: { context: { taken: [expect.anything()] } } });
      expect(stateOf(queue).core).not.toMatchObject({ snapshot: { context: { taken: ['behind it'] } } });
      expect([deferrals(queue), deadLetters(queue)]).toEqual([[], []]);
    },
  );

  it('loses and doubles nothing of what came before it in its batch', async () => {
    const queue = await waiting('throws');
    const stale = inbound('timer', { kind: 'timer', token: 't9.9' });
    const other = inbound('await', { kind: 'await', asker: { ...asker, correlationId: 'other' } });
    const message = INTERNAL['an answer'](queue);
    queue.put(stale, other, message);
    await queue.hold(holding({ fault: 'throws' }));
    expect(queue.settled.get(stale.sequenceNumber)).toEqual({ kind: 'complete' });
    expect(stateOf(queue).core?.waiters.map(({ correlationId }) => correlationId)).toEqual(['c', 'other']);
    expect(deferrals(queue)).toEqual([message.sequenceNumber]);
  });

  it('is not for an event from outside whose guard throws: that is set aside, and the actor continues', async () => {
    const queue = await waiting('throws');
    const message = event('from outside');
    queue.put(message);
    await queue.hold(holding({ fault: 'throws' }));
    expect(deadLetters(queue)).toMatchObject([{ reason: 'MACHINE_THREW' }]);
    expect(stateOf(queue).quarantine).toBeUndefined();
    expect(stateOf(queue).core?.status).toBe('active');
  });
});

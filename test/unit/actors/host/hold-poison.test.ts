import { describe, expect, it } from 'vitest';
import { MAX_CLAIM_BYTES } from '../../../../src/contract/sizes.ts';
import type { TurnRequest } from '../../../../src/contract/turn.ts';
import type { WorkerResponse } from '../../../../src/contract/worker.ts';
import { fakeHost } from '../../../kit/fake-host.ts';
import { FakeQueue } from '../../../kit/fake-queue.ts';
import { noteMachine } from '../../../kit/note-machine.ts';
import { emitted, event, note, notesOf, reply, start, stateOf } from '../../../kit/notes.ts';

async function started(): Promise<FakeQueue> {
  const queue = new FakeQueue();
  queue.put(start());
  await queue.hold(fakeHost(noteMachine));
  queue.steps.length = 0;
  return queue;
}

const died = (code: string): WorkerResponse => ({ kind: 'failed', error: { code, message: 'gone' } });
const holds = (request: TurnRequest, type: string): boolean =>
  request.inputs.some((input) => input.kind === 'event' && input.event.type === type);
/** A worker that dies of every batch that holds such an event. */
const killer = (code = 'WORKER_DIED') =>
  fakeHost(noteMachine, { instead: (request) => (holds(request, 'kill') ? died(code) : undefined) });

describe('a message that kills its worker (I7)', () => {
  it('is tried alone, its attempts written first, and is poison in the end; its neighbours are applied', async () => {
    const queue = await started();
    const bad = event('kill');
    queue.put(note(1), bad, note(2));
    const host = killer();
    const attempts: number[] = [];
    await queue.hold(host, {
      before: (step) => {
        if (step.kind !== 'commit') return;
        const count = (step.state as { attempts: Record<string, number> }).attempts[
          String(bad.sequenceNumber)
        ];
        if (count !== undefined) attempts.push(count);
      },
    });
    expect(attempts.slice(0, 3)).toEqual([1, 2, 3]);
    expect(notesOf(queue)).toEqual([1, 2]);
    expect(emitted(queue)).toEqual([1, 2]);
    expect(queue.settled.get(bad.sequenceNumber)).toMatchObject({
      kind: 'deadLetter',
      reason: 'TURN_POISONED',
    });
    expect(host.counters.poisoned).toBe(1);
    // Counted once, then forgotten.
    queue.put(note(3));
    await queue.hold(fakeHost(noteMachine));
    expect(stateOf(queue).attempts).toEqual({});
  });

  it('is counted over the deaths of hosts, and never run again once its attempts are used up', async () => {
    const queue = await started();
    const bad = event('kill', {}, { deliveryCount: 1 });
    const late = note(2, { deliveryCount: 1 });
    queue.put(bad, late);
    // More than of a message that was seen to kill its worker: hosts die and lose sessions for other reasons too.
    for (let host = 0; host < 10; host++) {
      const dies = fakeHost(noteMachine, {
        instead: (request) => (holds(request, 'kill') ? undefined : undefined),
      });
      await queue.hold(
        { ...dies, pool: { ...dies.pool, run: () => new Promise<never>(() => {}) } },
        { fate: ({ kind }) => (kind === 'commit' ? 'dies-after' : 'done') },
      );
    }
    const last = killer();
    await queue.hold(last);
    expect(last.requests.some((request) => request.kind === 'turn' && holds(request.request, 'kill'))).toBe(
      false,
    );
    expect(queue.settled.get(bad.sequenceNumber)).toMatchObject({
      kind: 'deadLetter',
      reason: 'TURN_POISONED',
    });
    expect(notesOf(queue)).toEqual([2]);
    queue.put(note(3));
    await queue.hold(fakeHost(noteMachine));
    expect(stateOf(queue).attempts).toEqual({});
  });

  it('leaves no count behind when it turns out harmless, stale or refused', async () => {
    const queue = await started();
    const again = { deliveryCount: 1 };
    queue.put(note(1, again), event('throw', {}, again), { ...reply('9.9'), ...again });
    await queue.hold(fakeHost(noteMachine));
    queue.put(note(2));
    await queue.hold(fakeHost(noteMachine));
    expect(stateOf(queue).attempts).toEqual({});
    expect(notesOf(queue)).toEqual([1, 2]);
  });

  it('is not counted again when its turn changed nothing and only its settlement was lost', async () => {
    const queue = await started();
    const again = { deliveryCount: 1 };
    const stale = { ...reply('9.9'), ...again };
    const repeated = start(again);
    queue.put(stale, repeated);
    for (let host = 0; host < 12; host++)
      await queue.hold(fakeHost(noteMachine), { fate: ({ kind }) => (kind === 'settle' ? 'lost' : 'done') });
    await queue.hold(fakeHost(noteMachine));
    for (const { sequenceNumber } of [stale, repeated])
      expect(queue.settled.get(sequenceNumber)).toEqual({ kind: 'complete' });
  });

  it('is not blamed for a machine that cannot be loaded: everything stays for a host that can', async () => {
    const queue = await started();
    queue.put(note(1), note(2));
    await queue.hold(fakeHost(noteMachine, { instead: () => died('MODULE_NOT_LOADED') }));
    expect(queue.log()).toEqual([]);
    expect(queue.active.size).toBe(2);
    await queue.hold(fakeHost(noteMachine));
    expect(notesOf(queue)).toEqual([1, 2]);
  });
});

describe('what is too large to commit', () => {
  it('splits its batch: the one at fault is dead-lettered, the others are applied once', async () => {
    const queue = await started();
    const huge = event('pad', { bytes: MAX_CLAIM_BYTES });
    queue.put(note(1), huge, note(2));
    await queue.hold(fakeHost(noteMachine));
    expect(notesOf(queue)).toEqual([1, 2]);
    expect(queue.settled.get(huge.sequenceNumber)).toMatchObject({
      kind: 'deadLetter',
      reason: 'STATE_TOO_LARGE',
    });
  });

  it('applies nothing twice when the batch had been cut short as well', async () => {
    const queue = await started();
    queue.put(event('pad', { bytes: 100_000 }));
    await queue.hold(fakeHost(noteMachine));
    // The first two fill the effects of one batch, and do not fit into the state together with the padding.
    const tell = () => event('tell', { to: 'peer', id: '1', bytes: 90_000 });
    queue.put(tell(), tell(), note(1), note(2));
    await queue.hold(fakeHost(noteMachine));
    expect(notesOf(queue)).toEqual([1, 2]);
    expect(emitted(queue)).toEqual([1, 2]);
    expect(queue.sent.filter(({ entity }) => entity === 'actor.peer')).toHaveLength(2);
    expect(queue.active.size).toBe(0);
  });

  it('or can never be delivered is the message’s fault, found before the commit (I2)', async () => {
    const queue = await started();
    const cases = {
      EFFECT_TOO_LARGE: event('tell', { to: 'peer', id: '1', bytes: MAX_CLAIM_BYTES }),
      MACHINE_NOT_FOUND: event('tell', { to: 'nobody', id: '1' }),
      ACTOR_ID_INVALID: event('tell', { to: 'peer', id: 'x'.repeat(129) }),
    };
    queue.put(...Object.values(cases), note(1));
    await queue.hold(fakeHost(noteMachine));
    for (const [reason, message] of Object.entries(cases))
      expect(queue.settled.get(message.sequenceNumber)).toMatchObject({ kind: 'deadLetter', reason });
    expect(notesOf(queue)).toEqual([1]);
    expect(queue.sent.some(({ entity }) => entity === 'actor.peer')).toBe(false);
  });
});

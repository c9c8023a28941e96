// An actor whose claimed state is gone: who asks is told at once, what comes waits in order, and it can be released, stopped and
// purged.
import { describe, expect, it } from 'vitest';
import type { Json } from '../../../../src/contract/json.ts';
import type { InboundMessage } from '../../../../src/contract/wire.ts';
import { type FakeHost, fakeHost } from '../../../kit/fake-host.ts';
import { FakeQueue } from '../../../kit/fake-queue.ts';
import { inbound } from '../../../kit/inbound.ts';
import { type MemoryStorage, memoryPayloads, memoryStorage } from '../../../kit/memory-storage.ts';
import { noteMachine } from '../../../kit/note-machine.ts';
import { asker, emitted, event, note, query, start, stateOf } from '../../../kit/notes.ts';

const client = (correlationId: string) => ({ ...asker, correlationId });
const parent = {
  address: { type: 'peer', id: 'p' },
  reply: { entity: 'actor.peer', sessionId: 'p', correlationId: '7.0' },
  syncSnapshot: false,
};
const ask = (kind: string, more: Record<string, Json> = {}): InboundMessage =>
  inbound(kind, { kind, asker: client(kind), ...more });
const stop = (): InboundMessage => inbound('stop', { kind: 'stop' });

/** The two ways of losing a state; each gives what brings it back. */
const LOSSES = {
  PAYLOAD_NOT_FOUND: (storage: MemoryStorage) => {
    const kept = new Map(storage.files);
    storage.files.clear();
    return () => kept.forEach((bytes, path) => void storage.files.set(path, bytes));
  },
  PAYLOAD_UNREADABLE: (storage: MemoryStorage) => {
    const kept = new Map(storage.files);
    for (const path of kept.keys()) storage.files.set(path, Buffer.from('quorate-payload/1 aes-256-gcm\n…'));
    return () => kept.forEach((bytes, path) => void storage.files.set(path, bytes));
  },
};
type Code = keyof typeof LOSSES;
const codes = Object.keys(LOSSES) as Code[];

function hostOn(storage: MemoryStorage): FakeHost {
  return fakeHost(noteMachine, { payloads: memoryPayloads(storage) });
}

/** A large child of 'peer/p', whose result somebody waits for, and whose state is lost. */
async function lost(
  code: Code,
): Promise<{ queue: FakeQueue; storage: MemoryStorage; bringBack: () => void }> {
  const storage = memoryStorage();
  const queue = new FakeQueue();
  queue.put(
    start({}, { parent }),
    inbound('await', { kind: 'await', asker: client('waits') }),
    event('pad', { bytes: 400_000 }),
  );
  await queue.hold(hostOn(storage));
  return { queue, storage, bringBack: LOSSES[code](storage) };
}

const answersOf = (queue: FakeQueue): Record<string, unknown> =>
  Object.fromEntries(
    queue.sent
      .filter(({ subject }) => subject === 'answer')
      .map(({ correlationId, body }) => {
        const { answer, error, outcome } = body as {
          answer: string;
          error?: Json;
          outcome?: { error?: Json };
        };
        const { code = answer } = (error ?? outcome?.error ?? {}) as { code?: string };
        return [correlationId, code];
      }),
  );
const deferrals = (queue: FakeQueue): number => queue.deferred.size;

describe.each(codes)('an actor whose state is lost: %s', (code) => {
  it('says so at once to all who ask, holds the rest back, and logs it once', async () => {
    const { queue, storage } = await lost(code);
    const { claim } = stateOf(queue);
    queue.put(note(1), ask('query'), ask('await'), ask('watch', { leaseMs: 1_000 }), ask('release'), note(2));
    const hosts = [hostOn(storage), hostOn(storage)];
    for (const host of hosts) await queue.hold(host);
    expect(answersOf(queue)).toEqual({ waits: code, query: code, await: code, watch: code, release: code });
    expect(stateOf(queue)).toMatchObject({ claim, core: null, quarantine: { code } });
    expect([deferrals(queue), queue.active.size]).toEqual([2, 0]);
    expect(
      hosts.flatMap(({ problems }) => problems.filter((line) => line.includes('quarantined'))),
    ).toHaveLength(1);
    expect([...queue.settled.values()].filter(({ kind }) => kind === 'deadLetter')).toEqual([]);
  });

  it('is read again by a release, and goes on with what waited', async () => {
    const { queue, storage, bringBack } = await lost(code);
    queue.put(note(1));
    await queue.hold(hostOn(storage));
    bringBack();
    // Readable, but nobody has released it.
    queue.put(note(2));
    await queue.hold(hostOn(storage));
    expect([emitted(queue), deferrals(queue)]).toEqual([[], 2]);
    queue.put(ask('release'), note(3));
    await queue.hold(hostOn(storage));
    expect(answersOf(queue)).toMatchObject({ release: 'released' });
    expect(emitted(queue)).toEqual([1, 2, 3]);
    expect(stateOf(queue).quarantine).toBeUndefined();
    expect(deferrals(queue)).toBe(0);
  });

  it('is read again while it is held, too', async () => {
    const { queue, storage, bringBack } = await lost(code);
    queue.put(note(1), ask('release'));
    await queue.hold(hostOn(storage), {
      takes: [1],
      before: ({ kind }) => (kind === 'settle' ? bringBack() : undefined),
    });
    await queue.hold(hostOn(storage));
    expect(answersOf(queue)).toMatchObject({ release: 'released' });
    expect(emitted(queue)).toEqual([1]);
  });

  it('can be stopped, wherever its host dies: parent and client are told once, what waited is let go of', async () => {
    for (const fate of ['dies-before', 'dies-after', 'lost', 'lost-after'] as const) {
      for (let at = 0, reached = true; reached; at++) {
        const { queue, storage } = await lost(code);
        const { claim } = stateOf(queue);
        let steps = 0;
        queue.put(note(1), stop(), note(2));
        for (let holds = 0; holds < 4; holds++) {
          await queue.hold(hostOn(storage), { fate: () => (steps++ === at ? fate : 'done') });
          // Never something between the claimed state and its end.
          const { claim: still, core } = stateOf(queue);
          expect(still?.$payload === claim?.$payload || core?.status === 'stopped', `${fate} at ${at}`).toBe(
            true,
          );
        }
        reached = steps > at;
        const where = `${fate} at step ${at}`;
        expect(stateOf(queue).core, where).toMatchObject({
          status: 'stopped',
          error: { code: 'ACTOR_STOPPED' },
        });
        expect(stateOf(queue).quarantine, where).toBeUndefined();
        expect(
          queue.sent.filter(({ sessionId }) => sessionId === 'p'),
          where,
        ).toMatchObject([{ subject: 'reply', body: { execution: expect.stringContaining('7.0') } }]);
        expect(answersOf(queue), where).toMatchObject({ waits: 'ACTOR_STOPPED' });
        expect([deferrals(queue), queue.active.size], where).toEqual([0, 0]);
      }
    }
  });

  it('can be cancelled: the end is what its asker is told', async () => {
    const { queue, storage } = await lost(code);
    queue.put(stop(), ask('await'));
    await queue.hold(hostOn(storage));
    expect(answersOf(queue)).toMatchObject({ await: 'ACTOR_STOPPED' });
  });

  it('can be purged: nothing of it is left', async () => {
    const { queue, storage } = await lost(code);
    queue.put(note(1), query());
    await queue.hold(hostOn(storage));
    queue.put(ask('purge'));
    await queue.hold(hostOn(storage));
    expect(answersOf(queue)).toMatchObject({ purge: 'purged' });
    expect([queue.state, deferrals(queue)]).toEqual([null, 0]);
    expect([...storage.files.keys()].filter((path) => path.includes('/life/'))).toEqual([]);
  });

  it('of an earlier build, without an outline, ends too', async () => {
    const { queue, storage } = await lost(code);
    const { outline: _, ...older } = stateOf(queue);
    queue.keep(older as never);
    queue.put(stop());
    await queue.hold(hostOn(storage));
    expect(stateOf(queue).core).toMatchObject({ status: 'stopped' });
  });
});

describe('an actor that has lost only what it remembers of its peers', () => {
  it('stands still, is read, and goes on without it once it is released', async () => {
    const storage = memoryStorage();
    const queue = new FakeQueue();
    queue.put(start());
    await queue.hold(hostOn(storage));
    const { inbox, ...state } = stateOf(queue);
    queue.keep({
      ...state,
      inbox: { ...inbox, olderPeers: { $payload: 'test/m/1/life/x/peers-1', bytes: 9 } },
    } as never);
    queue.put(note(1), ask('query'));
    await queue.hold(hostOn(storage));
    expect(stateOf(queue)).toMatchObject({ quarantine: { code: 'PAYLOAD_NOT_FOUND' } });
    expect([answersOf(queue), deferrals(queue)]).toEqual([{ query: 'snapshot' }, 1]);
    queue.put(ask('release'));
    await queue.hold(hostOn(storage));
    expect(answersOf(queue)).toMatchObject({ release: 'released' });
    expect(emitted(queue)).toEqual([1]);
  });
});

// What is too large for the broker goes through the payload store, and goes with its actor.
import { describe, expect, it } from 'vitest';
import { inboundFolder, livesFolder } from '../../../../src/actors/protocol/claims.ts';
import type { Json } from '../../../../src/contract/json.ts';
import { isPayloadRef } from '../../../../src/contract/payload.ts';
import type { WireMessage } from '../../../../src/contract/wire.ts';
import { PROPERTY } from '../../../../src/contract/wire.ts';
import { type FakeHost, fakeHost } from '../../../kit/fake-host.ts';
import { FakeQueue } from '../../../kit/fake-queue.ts';
import { inbound } from '../../../kit/inbound.ts';
import { type MemoryStorage, memoryPayloads, memoryStorage } from '../../../kit/memory-storage.ts';
import { noteMachine } from '../../../kit/note-machine.ts';
import { asker, emitted, event, note, notesOf, query, start, stateOf } from '../../../kit/notes.ts';

const LARGE = 400_000;
/** What the broker takes on the Standard tier. */
const LIMIT = 256 * 1024;

function hostOn(storage: MemoryStorage): FakeHost {
  return fakeHost(noteMachine, { payloads: memoryPayloads(storage) });
}

async function started(storage: MemoryStorage): Promise<FakeQueue> {
  const queue = new FakeQueue();
  queue.put(start());
  await queue.hold(hostOn(storage));
  return queue;
}

async function grown(storage: MemoryStorage): Promise<FakeQueue> {
  const queue = await started(storage);
  queue.put(event('pad', { bytes: LARGE }));
  await queue.hold(hostOn(storage));
  return queue;
}

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
function bodyOf(message: WireMessage | undefined): Record<string, Json> {
  if (message === undefined) throw new Error('nothing was sent');
  return message.body as Record<string, Json>;
}

const purge = () => inbound('purge', { kind: 'purge', asker });
const INBOUND = inboundFolder('test', { type: 'm', id: '1' });
/** Put on the way as a client puts it. */
async function largeNote(storage: MemoryStorage, name: string, folder = INBOUND) {
  const ref = await memoryPayloads(storage).put(folder, name, {
    type: 'note',
    n: 7,
    more: 'x'.repeat(LARGE),
  });
  return inbound(
    'event',
    { kind: 'event', event: { ...ref } },
    { properties: { [PROPERTY.claimed]: 'event' } },
  );
}

describe('a large state', () => {
  it('lies in the payload store, one at a time, and is gone on with by the next holder', async () => {
    const storage = memoryStorage();
    const queue = await grown(storage);
    expect(bytesOf(queue.state)).toBeLessThan(LIMIT);
    expect(stateOf(queue)).toMatchObject({ format: 3, core: null, claim: { bytes: expect.any(Number) } });
    queue.put(note(1));
    await queue.hold(hostOn(storage));
    expect([...storage.files.keys()].filter((path) => path.includes('/state-'))).toHaveLength(1);
    queue.put(note(2), query());
    await queue.hold(hostOn(storage));
    expect(emitted(queue)).toEqual([1, 2]);
    queue.put(event('pad', { bytes: 1 }));
    await queue.hold(hostOn(storage));
    expect(stateOf(queue)).toMatchObject({ core: { turn: 5 } });
    expect(stateOf(queue).claim).toBeUndefined();
    expect([...storage.files.keys()].filter((path) => path.includes('/state-'))).toEqual([]);
  });

  it('is answered to a query through the store', async () => {
    const storage = memoryStorage();
    const queue = await grown(storage);
    queue.put(query());
    await queue.hold(hostOn(storage));
    const answer = queue.sent.at(-1);
    expect(answer).toMatchObject({ properties: { [PROPERTY.claimed]: 'snapshot' } });
    expect(bytesOf(answer)).toBeLessThan(LIMIT);
    const { snapshot = null } = bodyOf(answer);
    expect(isPayloadRef(snapshot) && (await memoryPayloads(storage).get(snapshot))).toMatchObject({
      context: { pad: 'x'.repeat(LARGE) },
    });
  });

  it('that cannot be stored now costs nothing: its message is applied once the store is back', async () => {
    const storage = memoryStorage();
    const queue = await started(storage);
    queue.put(event('pad', { bytes: LARGE }));
    storage.fail = (operation) => (operation === 'write' ? new Error('the disk is full') : undefined);
    const host = hostOn(storage);
    await queue.hold(host);
    expect([queue.active.size, stateOf(queue).core?.turn]).toEqual([1, 1]);
    expect(host.problems.join()).toContain('the disk is full');
    storage.fail = undefined;
    await queue.hold(hostOn(storage));
    expect([queue.active.size, stateOf(queue).core]).toEqual([0, null]);
  });

  it('of a store that does not answer leaves every message where it is, until it does', async () => {
    const storage = memoryStorage();
    const queue = await grown(storage);
    queue.put(note(1), note(2), query());
    storage.fail = (operation) => (operation === 'read' ? new Error('no answer') : undefined);
    const host = hostOn(storage);
    const commits = queue.commits().length;
    await queue.hold(host);
    expect(host.problems.join()).toContain('no answer');
    expect([queue.active.size, queue.commits().length]).toEqual([3, commits]);
    storage.fail = undefined;
    await queue.hold(hostOn(storage));
    expect(emitted(queue)).toEqual([1, 2]);
  });

  it('of a store that does not answer can be purged', async () => {
    const storage = memoryStorage();
    const queue = await grown(storage);
    storage.fail = (operation) => (operation === 'read' ? new Error('no answer') : undefined);
    queue.put(note(1), purge());
    await queue.hold(hostOn(storage));
    expect(queue.state).toBeNull();
    expect(queue.sent.at(-1)).toMatchObject({ body: { answer: 'purged' } });
  });
});

describe('what is large in a message', () => {
  it('is put away before the commit; the outbox holds what leaves', async () => {
    const storage = memoryStorage();
    const queue = await started(storage);
    queue.put(event('tell', { to: 'peer', id: '9', bytes: LARGE }));
    await queue.hold(hostOn(storage));
    const told = queue.sent.find(({ entity }) => entity === 'actor.peer');
    expect(stateOf(queue).outbox).toMatchObject([
      { message: { messageId: told?.messageId, body: told?.body } },
    ]);
    const { event: ref = null } = bodyOf(told);
    expect(isPayloadRef(ref) && (await memoryPayloads(storage).get(ref))).toMatchObject({
      type: 'told',
      pad: 'x'.repeat(LARGE),
    });
  });

  it.each([
    inboundFolder('test', { type: 'm', id: 'victim' }),
    'test/m/victim/life/one',
    `${INBOUND}-of-another`,
    'test/unowned',
  ])('is neither read nor removed where it is not the own: %s', async (folder) => {
    const storage = memoryStorage();
    const queue = await started(storage);
    queue.put(await largeNote(storage, 'secret', folder));
    await queue.hold(hostOn(storage));
    expect(emitted(queue)).toEqual([]);
    expect([...storage.files.keys()]).toEqual([`${folder}/secret`]);
  });

  it('is applied as if it had come in the message, and removed when that is settled', async () => {
    const storage = memoryStorage();
    const queue = await started(storage);
    queue.put(await largeNote(storage, 'one'));
    await queue.hold(hostOn(storage));
    expect(emitted(queue)).toEqual([7]);
    expect(storage.files.size).toBe(0);
  });

  it('is removed although its holder died between the two, and the message is not applied twice', async () => {
    const storage = memoryStorage();
    const queue = await started(storage);
    const large = await largeNote(storage, 'one');
    queue.put(large);
    await queue.hold(hostOn(storage), { fate: ({ kind }) => (kind === 'settle' ? 'dies-before' : 'done') });
    await queue.hold(hostOn(storage));
    expect(emitted(queue)).toEqual([7]);
    expect([queue.active.size, storage.files.size]).toEqual([0, 0]);
  });

  it('stays with the dead letter when there is no such actor: it can be sent again', async () => {
    const storage = memoryStorage();
    const queue = new FakeQueue();
    const large = await largeNote(storage, 'one');
    queue.put(large);
    await queue.hold(hostOn(storage));
    expect([queue.state, queue.active.size, storage.files.size]).toEqual([null, 0, 1]);
    expect(queue.settled.get(large.sequenceNumber)).toMatchObject({ reason: 'ACTOR_NOT_FOUND' });
  });

  it('is dead-lettered with its code when it cannot be read, and kept', async () => {
    const storage = memoryStorage();
    const queue = await started(storage);
    const large = await largeNote(storage, 'one');
    storage.files.set(`${INBOUND}/one`, Buffer.from('quorate-payload/1 aes-256-gcm\n…'));
    queue.put(large, note(1));
    await queue.hold(hostOn(storage));
    expect(queue.settled.get(large.sequenceNumber)).toMatchObject({
      kind: 'deadLetter',
      reason: 'PAYLOAD_UNREADABLE',
    });
    expect(emitted(queue)).toEqual([1]);
    expect(storage.files.has(`${INBOUND}/one`)).toBe(true);
  });

  it.each([
    ['an answer', 'reply', 'outcome', undefined],
    ['a piece of an answer', 'partial', 'value', undefined],
    ['an answer', 'reply', 'outcome', Buffer.from('quorate-payload/1 aes-256-gcm\n…')],
  ] as const)('of %s fails what is asked when it cannot be read', async (_what, kind, field, stored) => {
    const storage = memoryStorage();
    const queue = await started(storage);
    queue.put(event('ask'));
    await queue.hold(hostOn(storage));
    const ref = await memoryPayloads(storage).put(INBOUND, 'one', 'x'.repeat(LARGE));
    const place = kind === 'partial' ? { seq: 0 } : {};
    const body = { kind, execution: '2.0', ...place, [field]: { ...ref } };
    queue.put(inbound(kind, body, { properties: { [PROPERTY.claimed]: field } }));
    if (stored === undefined) storage.files.clear();
    else storage.files.set(`${INBOUND}/one`, stored);
    await queue.hold(hostOn(storage));
    const code = stored === undefined ? 'PAYLOAD_NOT_FOUND' : 'PAYLOAD_UNREADABLE';
    expect(notesOf(queue)).toEqual([code]);
    expect([...queue.settled.values()].filter(({ kind: settled }) => settled !== 'complete')).toEqual([]);
    expect(storage.files.has(`${INBOUND}/one`)).toBe(stored !== undefined);
  });

  it('waits when the store does not answer', async () => {
    const storage = memoryStorage();
    const queue = await started(storage);
    queue.put(await largeNote(storage, 'one'));
    storage.fail = (operation) => (operation === 'read' ? new Error('no answer') : undefined);
    await queue.hold(hostOn(storage));
    expect(queue.active.size).toBe(1);
    storage.fail = undefined;
    await queue.hold(hostOn(storage));
    expect(emitted(queue)).toEqual([7]);
  });
});

describe('what is stored of an actor', () => {
  const lives = livesFolder('test', { type: 'm', id: '1' });
  const ended = async (storage: MemoryStorage): Promise<FakeQueue> => {
    const queue = await grown(storage);
    await memoryPayloads(storage).put(`${lives}/before`, 'left-over', 1);
    queue.put(event('finish'));
    await queue.hold(hostOn(storage));
    expect(storage.files.size).toBe(2);
    return queue;
  };
  const expire = (queue: FakeQueue) => {
    const timer = queue.sent.find(({ notBefore }) => notBefore !== undefined);
    return inbound('timer', timer?.body as Json);
  };

  it.each(['purge', 'the end of its retention'])('is removed with it, by %s', async (by) => {
    const storage = memoryStorage();
    const queue = await ended(storage);
    queue.put(by === 'purge' ? purge() : expire(queue));
    await queue.hold(hostOn(storage));
    expect([queue.state, storage.files.size, queue.active.size]).toEqual([null, 0, 0]);
  });

  it.each(['purge', 'the end of its retention'])(
    'is removed by whoever comes after a crash in %s',
    async (by) => {
      const storage = memoryStorage();
      const queue = await ended(storage);
      queue.put(by === 'purge' ? purge() : expire(queue));
      await queue.hold(hostOn(storage), {
        fate: (step) => (step.kind === 'commit' && step.state === null ? 'dies-after' : 'done'),
      });
      expect([queue.state, storage.files.size]).toEqual([null, 2]);
      await queue.hold(hostOn(storage));
      expect([storage.files.size, queue.active.size]).toEqual([0, 0]);
    },
  );

  it.each(['purge', 'the end of its retention'])(
    'is removed later when the store does not answer at %s',
    async (by) => {
      const storage = memoryStorage();
      const queue = await ended(storage);
      queue.put(by === 'purge' ? purge() : expire(queue));
      storage.fail = (operation) => (operation === 'remove' ? new Error('no answer') : undefined);
      await queue.hold(hostOn(storage));
      expect(queue.active.size).toBe(1);
      storage.fail = undefined;
      await queue.hold(hostOn(storage));
      expect([queue.state, storage.files.size, queue.active.size]).toEqual([null, 0, 0]);
    },
  );
});

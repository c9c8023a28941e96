// No size makes a hold spin: whatever comes is applied, or refused with a code, and the state stays within what is written.
import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import { MAX_STATE_BYTES } from '../../../../src/actors/host/state/session-state.ts';
import type { InboundMessage } from '../../../../src/contract/wire.ts';
import { PROPERTY } from '../../../../src/contract/wire.ts';
import { fakeHost } from '../../../kit/fake-host.ts';
import { FakeQueue } from '../../../kit/fake-queue.ts';
import { inbound } from '../../../kit/inbound.ts';
import { memoryPayloads, memoryStorage } from '../../../kit/memory-storage.ts';
import { noteMachine } from '../../../kit/note-machine.ts';
import { emitted, event, note, notesOf, partial, reply, start, stateOf } from '../../../kit/notes.ts';

async function started(machine: Parameters<typeof fakeHost>[0] = noteMachine): Promise<FakeQueue> {
  const queue = new FakeQueue();
  queue.put(start());
  await queue.hold(fakeHost(machine));
  queue.steps.length = 0;
  return queue;
}

const largestOf = (queue: FakeQueue): number =>
  Math.max(...queue.commits().map((state) => Buffer.byteLength(JSON.stringify(state))));

const thrower = setup({
  types: { events: {} as { type: 'bad'; size: number } | { type: 'ping' } },
}).createMachine({
  initial: 'a',
  states: { a: {}, b: {} },
  on: {
    bad: {
      guard: (given) => {
        throw new Error('\n'.repeat(given.event.size));
      },
    },
    ping: '.b',
  },
});

describe('texts of refused messages', () => {
  it.each([4_096, 6_000, 200_000])('of %d characters never fill the state', async (size) => {
    const queue = await started(thrower);
    const bad = Array.from({ length: 200 }, () => event('bad', { size }));
    queue.put(...bad, event('ping'));
    // None is settled before the next comes: all of them are remembered at once.
    const host = fakeHost(thrower);
    await queue.hold(host, { takes: [64, 64, 64, 64] });
    expect(queue.active.size).toBe(0);
    for (const { sequenceNumber } of bad)
      expect(queue.settled.get(sequenceNumber)).toMatchObject({
        kind: 'deadLetter',
        reason: 'MACHINE_THREW',
      });
    expect(stateOf(queue).core?.snapshot).toMatchObject({ value: 'b' });
    expect(largestOf(queue)).toBeLessThanOrEqual(MAX_STATE_BYTES);
  });
});

describe('callers’ keys', () => {
  it('of any length never fill the state, and repeats are dropped', async () => {
    const queue = await started();
    const keyed = (n: number): InboundMessage =>
      note(n, { properties: { [PROPERTY.key]: `${n}-`.padEnd(1_100, 'k') } });
    queue.put(...Array.from({ length: 300 }, (_, n) => keyed(n)));
    await queue.hold(fakeHost(noteMachine));
    queue.put(keyed(299), keyed(298));
    await queue.hold(fakeHost(noteMachine));
    expect(notesOf(queue)).toHaveLength(300);
    expect(JSON.stringify(stateOf(queue).inbox.keys).length).toBeLessThan(12_000);
    expect(largestOf(queue)).toBeLessThanOrEqual(MAX_STATE_BYTES);
  });
});

describe('a hub of 10,000 peers', () => {
  const PEERS = 10_000;
  const from = (peer: number, turn = 1): InboundMessage =>
    note(0, {
      properties: {
        [PROPERTY.from]: `peer/${peer}`,
        [PROPERTY.incarnation]: `00000000-0000-4000-8000-${peer}`,
        [PROPERTY.turn]: turn,
        [PROPERTY.index]: 0,
      },
    });

  it('knows every one of them until it has been silent for the retention time, and writes little', async () => {
    const hub = setup({ types: { events: {} as { type: 'note' } } }).createMachine({ on: { note: {} } });
    const storage = memoryStorage();
    const payloads = memoryPayloads(storage);
    let now = 1_000_000;
    let lists = 0;
    storage.fail = (operation, path) => {
      if (operation === 'write' && path.includes('/peers-')) lists++;
      return undefined;
    };
    const host = fakeHost(hub, { payloads, clock: { now: () => now }, retentionMs: 100_000 });
    const queue = await started(hub);
    const repeats: InboundMessage[] = [];
    for (let peer = 0; peer < PEERS; peer += 250) {
      queue.put(...Array.from({ length: 250 }, (_, at) => from(peer + at)));
      await queue.hold(host);
      queue.steps.splice(0, queue.steps.length - 1);
    }
    expect(lists).toBeLessThanOrEqual(PEERS / 250);
    // One list at a time.
    expect([...storage.files.keys()].filter((path) => path.includes('/peers-'))).toHaveLength(1);
    const { turn } = stateOf(queue).core ?? {};
    expect(turn).toBe(PEERS + 1);
    for (const peer of [0, 1, 128, 5_000, PEERS - 1]) repeats.push(from(peer));
    queue.put(...repeats);
    await queue.hold(host);
    expect([stateOf(queue).core?.turn, host.counters.dropped]).toEqual([turn, repeats.length]);
    expect(largestOf(queue)).toBeLessThan(60_000);
    // Those of whom nothing is heard for the retention time leave with the next list.
    now += 100_000;
    queue.put(...Array.from({ length: 300 }, (_, at) => from(at, 2)));
    await queue.hold(host);
    const { olderPeers, peers } = stateOf(queue).inbox;
    expect((olderPeers?.count ?? 0) + peers.length).toBe(300);
  }, 60_000);
});

describe('a state that the broker refuses for its size', () => {
  it('is the fault of one message, which is dead-lettered with the code; its neighbours are applied', async () => {
    const queue = await started();
    queue.limit = 5_000;
    const bad = event('pad', { bytes: 6_000 });
    queue.put(note(1), bad, note(2));
    const host = fakeHost(noteMachine);
    await queue.hold(host);
    expect(queue.settled.get(bad.sequenceNumber)).toMatchObject({
      kind: 'deadLetter',
      reason: 'STATE_TOO_LARGE',
    });
    expect([notesOf(queue), emitted(queue)]).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect([queue.active.size, host.counters.poisoned]).toEqual([0, 1]);
  });
});

describe('pieces of an answer that come early', () => {
  it('wait up to a number; those beyond are dead-lettered with a code, and the answer is taken', async () => {
    const queue = await started();
    queue.put(event('ask'));
    await queue.hold(fakeHost(noteMachine));
    const [execution = ''] = Object.keys(stateOf(queue).core?.executions ?? {});
    const pieces = Array.from({ length: 400 }, (_, at) => partial(execution, at + 1));
    queue.put(...pieces);
    await queue.hold(fakeHost(noteMachine));
    const dispositions = pieces.map(({ sequenceNumber }) => queue.settled.get(sequenceNumber)?.kind);
    expect(dispositions.filter((kind) => kind === 'defer')).toHaveLength(256);
    expect(dispositions.filter((kind) => kind === 'deadLetter')).toHaveLength(144);
    queue.put(reply(execution));
    await queue.hold(fakeHost(noteMachine));
    queue.put(note(1));
    await queue.hold(fakeHost(noteMachine));
    expect(notesOf(queue)).toEqual(['end', 1]);
    expect([queue.active.size, queue.deferred.size, stateOf(queue).deferred]).toEqual([0, 0, {}]);
  });
});

it('what no message is to blame for is written, with the state in the payload store, when the broker takes less than we write', async () => {
  const payloads = memoryPayloads();
  const host = () => fakeHost(noteMachine, { payloads });
  const queue = await started();
  queue.put(event('pad', { bytes: 20_000 }), note(1));
  await queue.hold(host());
  queue.limit = 8_000;
  const asker = { entity: 'replies', sessionId: 'client', correlationId: 'w' };
  queue.put(inbound('watch', { kind: 'watch', asker, leaseMs: 60_000 }));
  await queue.hold(host());
  expect(queue.active.size).toBe(0);
  expect(stateOf(queue).claim).toBeDefined();
  queue.limit = 256 * 1024;
  queue.put(note(2));
  await queue.hold(host());
  expect(notesOf(queue)).toEqual([1, 2]);
  expect(queue.sent.filter(({ correlationId }) => correlationId === 'w')).toHaveLength(2);
});

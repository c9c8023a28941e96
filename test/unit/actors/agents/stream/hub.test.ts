// What agents of a process stream: gathered, stored, told. A store or a broker that does not answer holds no agent up.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createStreamHub, type StreamHubOptions } from '../../../../../src/actors/agents/stream/hub.ts';
import { newsIn, placeTag } from '../../../../../src/actors/protocol/streams.ts';
import type { StreamStore } from '../../../../../src/contract/stream.ts';
import type { WireMessage } from '../../../../../src/contract/wire.ts';
import { memoryStreams } from '../../../../kit/memory-storage.ts';
import { readAll } from '../../../../kit/stream-law.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const PLACE = 'scope/m/one/life/stream';

function setUp(more: Partial<StreamStore> = {}, publish?: () => Promise<[]>) {
  const memory = memoryStreams();
  const appends: string[] = [];
  const sent: WireMessage[] = [];
  const warned: unknown[] = [];
  const store: StreamStore = {
    ...memory,
    append: (place, row, now) => {
      appends.push(row.text);
      return memory.append(place, row, now);
    },
    ...more,
  };
  const silent = (): void => {};
  const options: StreamHubOptions = {
    store,
    bridge: {
      publish: async (messages) => {
        sent.push(...messages);
        return (await publish?.()) ?? [];
      },
    },
    clock: { now: () => 1_000_000 },
    logger: {
      debug: silent,
      info: silent,
      error: silent,
      warn: (_text, fields) => warned.push(fields?.['code']),
    },
    writer: 'process',
  };
  const hub = createStreamHub(options);
  const open = (child = 'a', place = PLACE) =>
    hub.open({
      place: () => place,
      agent: 'x',
      deadlineAt: 2_000_000,
      run: { child, execution: '1.0~12345678', attempt: 1 },
    });
  const entries = async (place = PLACE) =>
    (await readAll(memory, place)).flatMap(({ row }) => row.flatMap((part) => part.entries));
  return { hub, open, entries, appends, sent, warned, memory };
}

describe('pieces', () => {
  it('of a tenth of a second are one append for an actor, whatever the number of its branches', async () => {
    const { open, appends, entries } = setUp();
    const branches = ['a', 'b', 'c'].map((child) => open(child));
    for (let ms = 0; ms < 1_000; ms += 10) {
      for (const { push } of branches) push('x');
      await vi.advanceTimersByTimeAsync(10);
    }
    await vi.advanceTimersByTimeAsync(100);
    expect(appends.length).toBeLessThanOrEqual(12);
    expect((await entries()).filter((entry) => 'v' in entry)).toHaveLength(300);
  });

  it('of an agent that streams nothing cost nothing', async () => {
    const { open, appends, sent, hub } = setUp();
    await open().close(true);
    await hub.close();
    expect([appends, sent]).toEqual([[], []]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('are stored before the answer leaves, and none is taken after it', async () => {
    const { open, entries } = setUp();
    const stream = open();
    stream.push({ a: 1 });
    await stream.close(true);
    stream.push('late');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await entries()).toEqual([{ begin: true }, { n: 0, v: { a: 1 } }, { end: true }]);
  });

  it('are kept for ten minutes after their end, and until then for as long as somebody may wait for the answer', async () => {
    const kept: [string, number][] = [];
    const memory = memoryStreams();
    const { open } = setUp({
      append: (place, row, now) => {
        kept.push(['append', row.until]);
        return memory.append(place, row, now);
      },
      expire: async (_place, _writer, until) => void kept.push(['end', until]),
    });
    const [first, second] = [open('a'), open('b')];
    first.push(1);
    await first.close(true);
    second.push(2);
    const third = open('c');
    third.push(3);
    await second.close(true);
    await third.close(true);
    const [waiting, over] = [2_000_000 + 600_000, 1_000_000 + 600_000];
    expect(kept.filter(([what]) => what === 'append').every(([, until]) => until === waiting)).toBe(true);
    expect(kept.filter(([what]) => what === 'end')).toEqual([
      ['end', over],
      ['end', over],
    ]);
  });

  it('of an agent that goes on after its process has stopped keep nothing alive', async () => {
    const { open, hub, appends } = setUp();
    const stream = open();
    stream.push('one');
    await hub.close();
    stream.push('two');
    open().push('three');
    await stream.close(true);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(appends).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('are as they were when they were said', async () => {
    const { open, entries } = setUp();
    const stream = open();
    const words = ['one'];
    stream.push(words);
    words.push('two');
    await stream.close(false);
    expect(await entries()).toEqual([{ begin: true }, { n: 0, v: ['one'] }]);
  });

  it('wait for a store that does not answer, the answer does not; what is too much is a gap', async () => {
    let isAway = true;
    const memory = memoryStreams();
    const { open, warned } = setUp({
      append: (...given) => (isAway ? Promise.reject(new Error('away')) : memory.append(...given)),
    });
    const stream = open();
    const piece = 'x'.repeat(60_000);
    stream.push('first');
    await vi.advanceTimersByTimeAsync(200);
    for (let n = 0; n < 100; n++) stream.push(piece);
    expect(warned).toEqual(['CONNECTION_FAILED', 'QUOTA_EXCEEDED']);
    const closed = stream.close(true);
    await vi.advanceTimersByTimeAsync(1_000);
    await closed;
    isAway = false;
    await vi.advanceTimersByTimeAsync(2_000);
    const stored = (await readAll(memory, PLACE)).flatMap(({ row }) => row.flatMap((part) => part.entries));
    expect(stored.slice(0, 2)).toEqual([{ begin: true }, { n: 0, v: 'first' }]);
    const kept = stored.filter((entry) => 'v' in entry).length;
    expect(kept).toBeGreaterThan(60);
    expect(stored.slice(-2)).toEqual([{ n: kept, gap: 101 - kept }, { end: true }]);
  });

  it('are told to each client in one message, whatever it reads', async () => {
    const { open, sent, memory } = setUp();
    const places = ['one', 'two', 'three'].map((id) => `scope/m/${id}/life/stream`);
    for (const place of places) await memory.attend(place, 'client', 1_030_000);
    await memory.attend(places[0] as string, 'other', 1_030_000);
    for (const place of places) open('a', place).push(place);
    await vi.advanceTimersByTimeAsync(100);
    expect(sent).toHaveLength(2);
    expect(new Set(sent.map(({ sessionId }) => sessionId))).toEqual(new Set(['client', 'other']));
    const [news] = sent
      .filter(({ sessionId }) => sessionId === 'client')
      .map(({ body }) => newsIn((body as { outcome: { output: unknown } }).outcome.output));
    expect(new Set(news?.map(({ tag }) => tag))).toEqual(new Set(places.map(placeTag)));
    const first = news?.find(({ tag }) => tag === placeTag(places[0] as string));
    expect(first?.row?.[0]?.entries).toEqual([{ begin: true }, { n: 0, v: places[0] }]);
  });

  it('pile up for no client while the broker takes nothing', async () => {
    const taken = Promise.withResolvers<[]>();
    const { open, sent, memory, entries } = setUp({}, () => taken.promise);
    await memory.attend(PLACE, 'client', 1_030_000);
    const stream = open();
    for (let n = 0; n < 60; n++) {
      stream.push('x'.repeat(50_000));
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(await entries()).toHaveLength(61);
    expect(sent).toHaveLength(1);
    taken.resolve([]);
    await vi.advanceTimersByTimeAsync(100);
    // What was too much is said without its pieces: the reader looks for them.
    expect(sent.reduce((sum, { body }) => sum + JSON.stringify(body).length, 0)).toBeLessThan(1_300_000);
  });
});

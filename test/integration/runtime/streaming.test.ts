// What agents stream, read through the real client over a real socket.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../../src/client/connect.ts';
import type { AgentContext, QuorateConfig } from '../../../src/contract/config.ts';
import type { Json } from '../../../src/contract/json.ts';
import type { StreamItem } from '../../../src/contract/stream.ts';
import { app, startRuntime, type TestRuntime } from '../../kit/runtime.ts';

type Tell = (input: unknown, context: AgentContext) => Promise<Json>;

let tell: Tell = async () => null;
const config = {
  machines: {
    teller: app('teller.machine.ts', 'teller'),
    choir: app('teller.machine.ts', 'choir'),
    stage: app('teller.machine.ts', 'stage'),
  },
  agents: {
    tell: {
      run: (input: unknown, context: AgentContext) => tell(input, context),
      retry: { attempts: 2, backoffMs: 1 },
    },
  },
} satisfies QuorateConfig;

let test: TestRuntime<QuorateConfig>;
beforeAll(async () => {
  test = await startRuntime(config);
});
afterAll(() => test[Symbol.asyncDispose]());

async function all(items: AsyncIterable<StreamItem>): Promise<StreamItem[]> {
  const found: StreamItem[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Without offsets. */
function said(items: readonly StreamItem[]): unknown[] {
  return items.map((item) => ({ ...item, offset: undefined }));
}

const words = ['Once', 'upon', { a: 'time' }];
const story = [
  ...words.map((value, n) => ({ kind: 'piece', child: 'story', attempt: 1, n, value })),
  { kind: 'ended', child: 'story', attempt: 1 },
];

describe('a stream', () => {
  it('has the pieces in order, ends with the actor, and is there for those who come late', async () => {
    const { client } = test.runtime;
    const told = Promise.withResolvers<void>();
    tell = async (_input, { stream }) => {
      for (const word of words) {
        stream(word);
        await sleep(1);
      }
      await told.promise;
      return null;
    };
    await client.start('teller', { id: 'one' });
    const reading = client.stream('teller', 'one');
    const first = (await reading.next()).value;
    expect(first).toMatchObject({ kind: 'piece', n: 0, value: 'Once' });
    const others = Promise.all([all(reading), all(client.stream('teller', 'one'))]);
    told.resolve();
    const [rest, second] = await others;
    expect(said([first as StreamItem, ...rest])).toEqual(story);
    expect(said(second)).toEqual(story);
    await client.result('teller', 'one');
    const late = await all(client.stream('teller', 'one'));
    expect(said(late)).toEqual(story);
    for (const [at, { offset }] of late.entries())
      expect(await all(client.stream('teller', 'one', { from: offset }))).toEqual(late.slice(at + 1));
  });

  it('of nobody is refused', async () => {
    await expect(test.runtime.client.stream('teller', 'nobody').next()).rejects.toMatchObject({
      code: 'ACTOR_NOT_FOUND',
    });
  });

  it('is read in another process’s client, costs no turn, and goes with its actor', async () => {
    const { client } = test.runtime;
    tell = async (_input, { stream }) => {
      for (const word of words) stream(word);
      return null;
    };
    await client.start('teller', { id: 'two', input: { stay: true } });
    await expect.poll(async () => (await client.query('teller', 'two')).value).toBe('told');
    const { turn } = await client.query('teller', 'two');
    const { commits } = test.runtime.counters().actors;
    const other = await connect({ data: test.data, env: {} });
    const reading = other.stream('teller', 'two');
    for (const item of story) expect(said([(await reading.next()).value as StreamItem])).toEqual([item]);
    expect((await client.query('teller', 'two')).turn).toBe(turn);
    expect(test.runtime.counters().actors.commits).toBe(commits);
    await client.actors.purge('teller', 'two');
    expect((await reading.next()).done).toBe(true);
    await client.start('teller', { id: 'two' });
    expect(said(await all(other.stream('teller', 'two')))).toEqual(story);
    await other.close();
  });

  it('says where an attempt, or an asking, begins again', async () => {
    const { client } = test.runtime;
    tell = async (_input, { stream, attempt }) => {
      stream(`attempt ${attempt}`);
      if (attempt === 1) throw new Error('not this time');
      return null;
    };
    await client.start('teller', { id: 'three', input: { stay: true } });
    await expect.poll(async () => (await client.query('teller', 'three')).value).toBe('told');
    await client.send('teller', 'three', { type: 'again' });
    await expect.poll(async () => (await client.query('teller', 'three')).turn).toBe(4);
    await client.send('teller', 'three', { type: 'end' });
    const [a, b] = [1, 2].map((attempt) => ({ child: 'story', attempt }));
    const round = [
      { kind: 'piece', ...a, n: 0, value: 'attempt 1' },
      { kind: 'restarted', ...b },
      { kind: 'piece', ...b, n: 0, value: 'attempt 2' },
      { kind: 'ended', ...b },
    ];
    expect(said(await all(client.stream('teller', 'three')))).toEqual([
      ...round,
      { kind: 'restarted', ...a },
      ...round,
    ]);
  });

  it('of a scatter tells branches apart', async () => {
    const { client } = test.runtime;
    tell = async (input, { stream }) => {
      const { item } = input as { item: string };
      stream(item);
      return null;
    };
    await client.run('choir', { id: 'four' });
    const items = await all(client.stream('choir', 'four'));
    const pieces = items.flatMap((item) => (item.kind === 'piece' ? [[item.branch, item.value]] : []));
    expect(pieces.toSorted(([a], [b]) => Number(a) - Number(b))).toEqual([
      [0, 'a'],
      [1, 'b'],
      [2, 'c'],
    ]);
    expect(items.filter(({ kind }) => kind === 'ended')).toHaveLength(3);
    expect(items.every(({ child }) => child === 'voices')).toBe(true);
  });

  it('leaves out what is too large or no JSON, and says so', async () => {
    const { client } = test.runtime;
    tell = async (_input, { stream }) => {
      stream('small');
      stream('x'.repeat(70_000));
      stream((() => 1) as never);
      stream('last');
      return null;
    };
    await client.run('teller', { id: 'five' });
    const items = await all(client.stream('teller', 'five'));
    expect(items.map((item) => ('n' in item ? [item.kind, item.n] : [item.kind]))).toEqual([
      ['piece', 0],
      ['gap', 1],
      ['piece', 3],
      ['ended'],
    ]);
  });

  it('ends for a reader that aborts, and with its client', async () => {
    const { client } = test.runtime;
    const over = Promise.withResolvers<void>();
    tell = async (_input, { stream }) => {
      stream('one');
      await over.promise;
      return null;
    };
    await client.start('teller', { id: 'six' });
    const abort = new AbortController();
    const aborted = client.stream('teller', 'six', { signal: abort.signal });
    await aborted.next();
    abort.abort();
    await expect(aborted.next()).rejects.toMatchObject({ code: 'ABORTED' });
    const other = await connect({ data: test.data, env: {} });
    const closed = other.stream('teller', 'six');
    await closed.next();
    const next = closed.next();
    await other.close();
    expect((await next).done).toBe(true);
    over.resolve();
  });
});

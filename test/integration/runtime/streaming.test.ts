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
    thread: app('teller.machine.ts', 'thread'),
  },
  agents: {
    tell: {
      run: (input: unknown, context: AgentContext) => tell(input, context),
      retry: { attempts: 2, backoffMs: 1 },
    },
    count: { module: new URL('../../fixtures/apps/cpu.agents.ts', import.meta.url), export: 'counting' },
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
    // One at most: the reader asks to be told of the end once nothing has come for a second.
    expect(test.runtime.counters().actors.commits - commits).toBeLessThanOrEqual(1);
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

  it('of an agent in a worker thread is read like any other', async () => {
    const { client } = test.runtime;
    await client.run('thread', { id: 'seven' });
    const items = await all(client.stream('thread', 'seven'));
    expect(items.map((item) => ('value' in item ? item.value : item.kind))).toEqual([
      1,
      2,
      'gap',
      4,
      'ended',
    ]);
  });

  it('of a child is the child’s', async () => {
    const { client } = test.runtime;
    tell = async (_input, { stream }) => {
      stream('child');
      return null;
    };
    await client.run('stage', { id: 'eight' });
    expect(await all(client.stream('stage', 'eight'))).toEqual([]);
    // Other tellers have names of this file.
    const child = (await client.actors.list('teller')).ids.find((id) => id.length > 10);
    const items = await all(client.stream('teller', child ?? ''));
    expect(items.map(({ kind }) => kind)).toEqual(['piece', 'ended']);
  });

  it('of an actor with its children has the children’s too, and says whose', async () => {
    const { client } = test.runtime;
    const over = Promise.withResolvers<void>();
    tell = async (_input, { stream }) => {
      for (const word of words) stream(word);
      await over.promise;
      return null;
    };
    await client.start('stage', { id: 'family' });
    const items: StreamItem[] = [];
    for await (const item of client.stream('stage', 'family', { children: true })) {
      items.push(item);
      if (items.length > 1) continue;
      const { children } = await client.query('stage', 'family');
      expect(children).toEqual([{ childId: 'play', type: 'teller', id: item.actor?.split('/')[1] }]);
      // Who leaves is followed no more, and others read on.
      for await (const { kind } of client.stream('stage', 'family', { children: true })) {
        expect(kind).toBe('piece');
        break;
      }
      over.resolve();
    }
    const actor = items[0]?.actor;
    expect(said(items)).toEqual(story.map((item) => ({ ...item, actor })));
    expect((await client.query('stage', 'family')).children).toBeUndefined();
    const none = client.stream('stage', 'nobody', { children: true });
    await expect(none.next()).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
    expect(() => client.stream('stage', 'family', { children: true, from: 'x' })).toThrow('no offset');
  });

  it('waits for a reader who takes his time: nothing is lost, and little is held', async () => {
    const { client } = test.runtime;
    const pieces = 400;
    tell = async (_input, { stream }) => {
      for (let n = 0; n < pieces; n++) {
        stream(`${n} ${'x'.repeat(5_000)}`);
        if (n % 20 === 0) await sleep(5);
      }
      return null;
    };
    await client.start('teller', { id: 'nine' });
    const reading = client.stream('teller', 'nine');
    const first = (await reading.next()).value as StreamItem;
    // Everything is streamed and told before the second is wanted.
    await client.result('teller', 'nine');
    await sleep(300);
    const items = [first, ...(await all(reading))];
    const numbers = items.flatMap((item) => (item.kind === 'piece' ? [item.n] : []));
    expect(numbers).toEqual(Array.from({ length: pieces }, (_, n) => n));
    expect(items.at(-1)?.kind).toBe('ended');
  });

  it('of which nothing comes ends when its actor does: told by it, for one commit of all its readers', async () => {
    const { client } = test.runtime;
    tell = async () => null;
    await client.start('teller', { id: 'quiet', input: { stay: true } });
    await expect.poll(async () => (await client.query('teller', 'quiet')).value).toBe('told');
    const { commits } = test.runtime.counters().actors;
    const readings = Promise.all(['a', 'b', 'c'].map(() => all(client.stream('teller', 'quiet'))));
    await expect.poll(() => test.runtime.counters().actors.commits, { timeout: 10_000 }).toBe(commits + 1);
    await client.send('teller', 'quiet', { type: 'end' });
    // By asking alone it takes ten seconds.
    const late = sleep(5_000, 'late', { ref: false });
    expect(await Promise.race([readings, late])).toEqual([[], [], []]);
    expect(test.runtime.counters().actors.commits).toBe(commits + 2);
  });

  it('may be read before its actor is started', async () => {
    const { client } = test.runtime;
    tell = async (_input, { stream }) => {
      for (const word of words) stream(word);
      return null;
    };
    const reading = all(client.stream('teller', 'ten'));
    await sleep(50);
    await client.start('teller', { id: 'ten' });
    expect(said(await reading)).toEqual(story);
  });

  it('refuses an offset that is none', async () => {
    const reading = test.runtime.client.stream('teller', 'one', { from: '../1' });
    await expect(reading.next()).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  });
});

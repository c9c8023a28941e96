// A limit that two processes share, over a real socket: together they keep to it, a provider's word to one is heard by both, and a
// call of a known size is counted for what it really took.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { QuorateClient } from '../../../src/contract/client.ts';
import type { AgentContext, QuorateConfig } from '../../../src/contract/config.ts';
import { failure, throttled } from '../../../src/contract/failure.ts';
import { app, startRuntime, type TestRuntime } from '../../kit/runtime.ts';

const PER_MINUTE = 1_200;
const PER_SECOND = PER_MINUTE / 60;
const PAUSE_MS = 1_500;
/** A message to the limiter, and one from it. */
const TOLD_MS = 400;

interface Begun {
  readonly at: number;
  readonly host: string;
  readonly limit: string | undefined;
}

let first: TestRuntime<QuorateConfig>;
let second: TestRuntime<QuorateConfig>;
let client: QuorateClient;
let begun: Begun[] = [];
let saidAt = 0;

const configOf = (host: string, data?: string): QuorateConfig => ({
  machines: {
    all: app('gathering.machine.ts', 'gatherAll'),
    readers: app('gathering.machine.ts', 'gatherReaders'),
    tellers: app('gathering.machine.ts', 'gatherTellers'),
  },
  limits: {
    fast: { requestsPerMinute: PER_MINUTE, concurrent: 30 },
    tokens: { tokensPerMinute: 60_000 },
    east: { concurrent: 5, fallback: 'west' },
    west: { concurrent: 5 },
  },
  agents: {
    oracle: {
      limit: 'fast',
      retry: { attempts: 1, backoffMs: 10 },
      run: (input: unknown, { limit, attempt, key }: AgentContext) => {
        begun.push({ at: performance.now(), host, limit });
        if (input === 'too much' && saidAt === 0) {
          saidAt = performance.now();
          throw throttled({ retryAfterMs: PAUSE_MS });
        }
        return { counts: { sum: 1, attempt }, key };
      },
    },
    teller: {
      limit: 'east',
      retry: { attempts: 1 },
      run: (_input: unknown, { limit }: AgentContext) => {
        if (limit === 'east') throw failure('account', { message: 'no money' });
        return { limit };
      },
    },
    reader: {
      limit: 'tokens',
      estimate: () => ({ tokens: 100 }),
      run: async (_input: unknown, { reserve }: AgentContext) => {
        begun.push({ at: performance.now(), host, limit: undefined });
        const call = await reserve({ tokens: 100 });
        call.settle({ inputTokens: 200, outputTokens: 100 });
        return { counts: { sum: 1 } };
      },
    },
  },
  ...(data === undefined ? {} : { data }),
});

const run = (type: 'all' | 'readers', id: string, items: readonly unknown[]): Promise<unknown> =>
  client.run(type, { id, input: { items } as never });

beforeAll(async () => {
  first = await startRuntime(configOf('first'));
  second = await startRuntime(configOf('second', first.data));
  client = first.runtime.client;
});
afterAll(async () => {
  await second[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
});

it('two processes together keep to the rate, both do their part, and nobody is put off for long', async () => {
  const items = Array.from({ length: 60 }, (_, at) => at);
  expect(await run('all', 'rate', items)).toMatchObject({
    ok: 60,
    failed: 0,
    counts: { sum: 60, attempt: 60 },
  });
  const times = begun.map(({ at }) => at).toSorted((a, b) => a - b);
  // However late a lease is spent: a burst of a second, two more, and what time has paid for.
  for (const [from, start] of times.entries()) {
    const within = times.filter((at) => at >= start && at < start + 1_000).length;
    expect(within, `from ${from}`).toBeLessThanOrEqual(PER_SECOND * 4);
  }
  expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan((60 / PER_SECOND - 3) * 1_000);
  expect(new Set(begun.map(({ host }) => host))).toEqual(new Set(['first', 'second']));
  expect(new Set(begun.map(({ limit }) => limit))).toEqual(new Set(['fast']));
  const granted = [first, second].map(({ runtime }) => runtime.counters().limits['fast']?.granted ?? 0);
  expect(granted[0] ?? 0).toBeGreaterThan(0);
  expect((granted[0] ?? 0) + (granted[1] ?? 0)).toBe(60);
});

it('what the other side says to one process is heard by both', async () => {
  begun = [];
  const items = ['too much', ...Array.from({ length: 30 }, (_, at) => at)];
  expect(await run('all', 'pause', items)).toMatchObject({ ok: 31, failed: 0 });
  const during = begun.filter(({ at }) => at > saidAt + TOLD_MS && at < saidAt + PAUSE_MS - TOLD_MS);
  expect(during).toEqual([]);
  expect(begun.some(({ at }) => at > saidAt + PAUSE_MS - TOLD_MS)).toBe(true);
});

it('tokens that were used beyond the estimate are waited for', async () => {
  begun = [];
  // 300 instead of 100 each, of 1,000 a second: 4 seconds instead of one, and some of it is told late.
  const items = Array.from({ length: 14 }, (_, at) => at);
  expect(await run('readers', 'tokens', items)).toMatchObject({ ok: 14 });
  const times = begun.map(({ at }) => at).toSorted((a, b) => a - b);
  expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(1_200);
});

it('an account without money is called no more, and the other deployment does its work', async () => {
  const input = { items: [1] } as never;
  expect(await client.run('tellers', { id: 'poor', input })).toMatchObject({ ok: 0, failed: 1 });
  for (const id of ['one', 'two', 'three'])
    expect(await client.run('tellers', { id, input })).toMatchObject({
      values: [{ value: { limit: 'west' } }],
    });
});

it('people stop and change a limit while it is used', async () => {
  const { limits } = client;
  expect(await limits.list()).toEqual(['east', 'fast', 'tokens', 'west']);
  expect(await limits.pause('fast')).toMatchObject({ stopped: true });
  begun = [];
  const waits = run('all', 'stopped', [1]);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(begun).toEqual([]);
  expect(await limits.set('fast', { concurrent: 7 })).toMatchObject({
    settings: { requestsPerMinute: PER_MINUTE, concurrent: 7 },
    revision: 1,
  });
  await limits.resume('fast');
  expect(await waits).toMatchObject({ ok: 1 });
  expect(await limits.get('fast')).toMatchObject({ stopped: false, settings: { concurrent: 7 } });
  await expect(limits.get('slow')).rejects.toMatchObject({
    code: 'LIMIT_NOT_FOUND',
    message: expect.stringContaining('there are east, fast, tokens, west'),
  });
  await expect(limits.set('fast', { concurrent: 0 })).rejects.toMatchObject({ code: 'INPUT_INVALID' });
});

it('limiters are nobody else’s to see', async () => {
  const inspected = await client.actors.list('all');
  expect(inspected.ids.toSorted()).toEqual(['pause', 'rate', 'stopped']);
  await expect(client.query('$limit', 'limit:fast')).rejects.toMatchObject({ code: 'MACHINE_NOT_FOUND' });
});

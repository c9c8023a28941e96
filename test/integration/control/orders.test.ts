// What is ordered at run time, over a real socket. An agent that is paused: nobody begins a task of it, in whatever process; what runs is
// done; who starts later hears of it; and it outlives all processes. A price that is changed: it counts in all of them.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect } from '../../../src/client/connect.ts';
import type { QuorateClient } from '../../../src/contract/client.ts';
import type { AgentContext, QuorateConfig } from '../../../src/contract/config.ts';
import { app, startRuntime, type TestRuntime } from '../../kit/runtime.ts';

/** A message to the keeper, one from it, and what a busy machine adds. */
const TOLD_MS = 500;
const REASON = 'it answers nonsense';

let data: string;
let first: TestRuntime<QuorateConfig>;
let second: TestRuntime<QuorateConfig>;
let client: QuorateClient;
let begun: string[] = [];
let gate = Promise.withResolvers<void>();

const configOf = (host: string, more: Partial<QuorateConfig> = {}): QuorateConfig => ({
  machines: {
    all: app('gathering.machine.ts', 'gatherAll'),
    readers: app('gathering.machine.ts', 'gatherReaders'),
  },
  agents: {
    oracle: {
      run: async (input: unknown) => {
        begun.push(host);
        if (input === 'slow') await gate.promise;
        return { counts: { sum: 1 } };
      },
    },
    reader: {
      model: 'm',
      run: (_input: unknown, { usage }: AgentContext) => {
        usage({ inputTokens: 1_000_000, outputTokens: 0 });
        return { counts: { sum: 1 } };
      },
    },
  },
  prices: { m: { inputPerMillion: 1, outputPerMillion: 1, at: '2026-11-01' } },
  atRunTime: true,
  data,
  ...more,
});
const run = (id: string, items: readonly unknown[], type = 'all'): Promise<unknown> =>
  client.run(type, { id, input: { items } as never });

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'quorate-test-'));
  first = await startRuntime(configOf('first'));
  second = await startRuntime(configOf('second', { roles: ['agents'] }));
  client = first.runtime.client;
});
afterAll(async () => {
  await second[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
  await rm(data, { recursive: true, force: true });
});

it('begins no task in any process, does what runs to its end, and continues when it is resumed', async () => {
  const slow = run('slow', ['slow']);
  await expect.poll(() => begun.length).toBe(1);
  const { agents } = client;
  expect(await agents.pause('oracle', { reason: REASON })).toMatchObject({ reason: REASON });
  await sleep(TOLD_MS);
  begun = [];
  const waits = run(
    'waits',
    Array.from({ length: 40 }, (_, at) => at),
  );
  // Others are not held up.
  expect(await run('others', [1, 2, 3], 'readers')).toMatchObject({ ok: 3 });
  await sleep(TOLD_MS);
  expect(begun).toEqual([]);
  expect(await client.query('all', 'waits')).toMatchObject({ paused: { oracle: { reason: REASON } } });
  expect(await client.query('readers', 'others')).not.toHaveProperty('paused');
  gate.resolve();
  expect(await slow).toMatchObject({ ok: 1 });
  await agents.resume('oracle');
  expect(await waits).toMatchObject({ ok: 40, failed: 0 });
  expect(new Set(begun)).toEqual(new Set(['first', 'second']));
});

it('is heard by who starts later, and outlives all processes', async () => {
  await client.agents.pause('oracle');
  await second[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
  begun = [];
  first = await startRuntime(configOf('later'));
  second = await startRuntime(configOf('later, agents only', { roles: ['agents'] }));
  client = first.runtime.client;
  const waits = run('later', [1, 2, 3]);
  await sleep(2 * TOLD_MS);
  expect(begun).toEqual([]);
  expect(Object.keys(await client.agents.list())).toEqual(['oracle', 'reader']);
  await client.agents.resume('oracle');
  expect(await waits).toMatchObject({ ok: 3 });
});

it('a price counts for all processes at once, until a configuration has a higher revision', async () => {
  const { prices } = client;
  const costsOf = async (id: string): Promise<number> => {
    await run(id, [1, 2, 3, 4], 'readers');
    return (await client.costs('readers', id)).total.microUsd / 1_000_000;
  };
  expect(await costsOf('before')).toBe(4);
  const changed = await prices.set('m', { inputPerMillion: 2.5, outputPerMillion: 1 });
  expect(changed).toMatchObject({ inputPerMillion: 2.5, revision: 1 });
  await expect.poll(() => prices.list()).toEqual({ m: changed });
  await sleep(TOLD_MS);
  expect(await costsOf('after')).toBe(10);
  await expect(prices.set('m', { inputPerMillion: -1, outputPerMillion: 1 })).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    message: expect.stringMatching(/^the price of m: inputPerMillion: /),
  });
  const price = { inputPerMillion: 3, outputPerMillion: 1, at: '2026-12-01', revision: 2 };
  await second[Symbol.asyncDispose]();
  second = await startRuntime(configOf('deployed', { roles: ['agents'], prices: { m: price } }));
  await expect.poll(() => prices.list()).toEqual({ m: price });
  await sleep(TOLD_MS);
  expect(await costsOf('deployed')).toBe(12);
});

it('is ordered by any client, and what cannot be is told', async () => {
  const other = await connect({ data });
  try {
    await other.agents.pause('reader', { reason: 'once' });
    expect(await client.agents.list()).toMatchObject({ oracle: null, reader: { reason: 'once' } });
    await other.agents.resume('reader');
    await expect(other.agents.pause('raeder')).rejects.toMatchObject({
      code: 'AGENT_NOT_FOUND',
      message: "no process has an agent 'raeder': there are oracle, reader",
    });
    await expect(other.agents.pause('reader', { reason: 'x'.repeat(501) })).rejects.toMatchObject({
      code: 'INPUT_INVALID',
    });
  } finally {
    await other.close();
  }
});

it('costs nothing where it is not configured: no queue, no actor, and an order says so', async () => {
  await using test = await startRuntime({ machines: { all: app('gathering.machine.ts', 'gatherAll') } });
  const { agents } = test.runtime.client;
  expect(await agents.list()).toEqual({});
  await expect(agents.pause('oracle')).rejects.toMatchObject({ code: 'NOT_FOLLOWED' });
  const { prices } = test.runtime.client;
  await expect(prices.set('m', { inputPerMillion: 1, outputPerMillion: 1 })).rejects.toMatchObject({
    code: 'NOT_FOLLOWED',
  });
});

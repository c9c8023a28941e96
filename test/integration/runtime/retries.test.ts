// Agents that meet a provider's limit, as when one 429 became 45 requests and ten workers retried in lockstep: what the provider
// counts is what we count, everybody gets through, and nobody uses up attempts or comes back in step.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { QuorateClient } from '../../../src/contract/client.ts';
import type { AgentContext, QuorateConfig } from '../../../src/contract/config.ts';
import { SILENT } from '../../../src/contract/ports.ts';
import { type ModelAnswer, type ModelServer, startModelServer } from '../../kit/model/server.ts';
import { app, startRuntime, type TestRuntime } from '../../kit/runtime.ts';

const BRANCHES = 20;
const BACKOFF_MS = 400;
const LIMIT = { requests: 8, windowMs: 100 };
const BUSY: ModelAnswer = { status: 429, headers: { 'retry-after-ms': '300' } };
const ANSWERS: Readonly<Record<string, ModelAnswer>> = {
  '/poor': { status: 429, body: { error: { code: 'insufficient_quota', type: 'insufficient_quota' } } },
  '/tomorrow': { status: 429, headers: { 'retry-after': '86400' } },
};

let model: ModelServer;
let test: TestRuntime<QuorateConfig>;
let client: QuorateClient;
const attempts: number[] = [];
/** By key: when each that was put off for the first time was asked to come back, and when it does. */
const asked = new Map<string, number>();
const due = new Map<string, number>();

const ask = async (
  path: string,
  { attempt, key, signal }: AgentContext,
): Promise<{ counts: { sum: number } }> => {
  attempts.push(attempt);
  const response = await fetch(model.url + path, { method: 'POST', body: 'why', signal });
  const wait = Number(response.headers.get('retry-after-ms') ?? 0);
  if (wait > 0 && !asked.has(key)) asked.set(key, Date.now() + wait);
  if (!response.ok)
    throw Object.assign(new Error('no'), {
      status: response.status,
      headers: response.headers,
      error: ((await response.json()) as { error?: object }).error,
    });
  await response.json();
  return { counts: { sum: 1 } };
};

beforeAll(async () => {
  model = await startModelServer({
    limit: LIMIT,
    fail: (path, before) => (before < BRANCHES ? BUSY : ANSWERS[path]),
  });
  test = await startRuntime(
    {
      machines: { all: app('gathering.machine.ts', 'gatherAll'), asker: app('asker.machine.ts', 'asker') },
      agents: {
        oracle: {
          // One attempt: a wait that used it up would fail its branch.
          retry: { attempts: 1, backoffMs: BACKOFF_MS },
          concurrency: BRANCHES,
          run: (input: unknown, context) => ask(typeof input === 'string' ? input : '/', context),
        },
      },
    },
    {
      logger: {
        ...SILENT,
        info: (line, fields) => {
          const [, at] = /waits \(throttled, for the 1\. time\), .* at (\S+Z)/.exec(line) ?? [];
          if (at !== undefined) due.set(String(fields?.['task']), Date.parse(at));
        },
      },
    },
  );
  client = test.runtime.client;
});

afterAll(async () => {
  await test?.[Symbol.asyncDispose]();
  await model?.[Symbol.asyncDispose]();
});

const counted = () => test.runtime.counters().agents['oracle'];

it('a fan-out that meets a limit gets through it, with an attempt each', async () => {
  await client.start('all', {
    id: 'g',
    input: { items: Array.from({ length: BRANCHES }, (_, at) => at) } as never,
  });
  expect(await client.result('all', 'g')).toMatchObject({
    ok: BRANCHES,
    failed: 0,
    counts: { sum: BRANCHES },
  });
  expect(model.count(200)).toBe(BRANCHES);
  expect(model.count(429)).toBeGreaterThanOrEqual(BRANCHES);
  expect(counted()).toMatchObject({
    started: model.asked.length,
    waited: model.count(429),
    retried: 0,
    failed: 0,
  });
  expect(new Set(attempts)).toEqual(new Set([1]));
  // All were asked to wait for as long; what each waits more is its own.
  const more = [...due].map(([key, at]) => at - (asked.get(key) ?? Number.NaN));
  // On a busy machine some come back before others have asked for the first time, who then get through at once.
  expect(more.length).toBeGreaterThan(BRANCHES / 2);
  expect(new Set(more.map((ms) => Math.floor(ms / 20))).size).toBeGreaterThanOrEqual(5);
  expect(Math.max(...more)).toBeGreaterThan(BACKOFF_MS / 4);
});

it.each([
  { path: '/poor', code: 'TASK_FAILED' },
  { path: '/tomorrow', code: 'RETRY_AFTER_DEADLINE' },
])('fails at once, paid once, what $path answers', async ({ path, code }) => {
  const before = { ...counted() };
  await client.start('asker', { id: path.slice(1), input: { question: path } as never });
  expect(await client.result('asker', path.slice(1))).toEqual({ problem: code });
  expect(model.asked.filter((one) => one.path === path)).toHaveLength(1);
  expect(counted()).toMatchObject({ failed: (before.failed ?? 0) + 1, waited: before.waited, retried: 0 });
});

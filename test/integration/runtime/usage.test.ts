// What runs cost, over a real socket: losers, children, attempts that were told or came late, and what nobody measured. Incidents of
// others: a loser's call that was billed and had no usage, usage `undefined` that counted as 0, a late write of a cancelled run.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { QuorateClient } from '../../../src/contract/client.ts';
import type { AgentContext, QuorateConfig } from '../../../src/contract/config.ts';
import type { Amount, Costs } from '../../../src/contract/usage.ts';
import { app, startRuntime, type TestRuntime } from '../../kit/runtime.ts';

const BRANCHES = 20;
const SOON = { timeout: 20_000, interval: 200 };
const RESERVED = 1_000;

let test: TestRuntime<QuorateConfig>;
let client: QuorateClient;
/** Calls that run, and what lets each answer. */
let waiting: (() => void)[] = [];
let begun = 0;
let asked = 0;

/** The first item pays and answers once all have begun; the others hang until they are told, as a call that is cut. */
async function work(input: unknown, context: AgentContext): Promise<number> {
  const { item = 0 } = (input ?? {}) as { readonly item?: number };
  begun++;
  const reservation = await context.reserve({ tokens: RESERVED });
  if (item !== 0)
    return new Promise((_, reject) => {
      context.signal.addEventListener('abort', () => reject(context.signal.reason as Error));
    });
  await new Promise<void>((resolve) => waiting.push(resolve));
  reservation.settle({ inputTokens: 100, outputTokens: 10 });
  return 1;
}

const oracle = async (question: unknown, { signal, usage }: AgentContext): Promise<string> => {
  // An SDK that says nothing after an abort, and one that does not listen.
  if (question === 'undefined') usage({ inputTokens: undefined, outputTokens: undefined });
  const { item } = (question ?? {}) as { readonly item?: number };
  if (item !== undefined) asked++;
  if (item !== undefined && item > 1)
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  if (question === 'deaf') {
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve());
      waiting.push(resolve);
    });
    usage({ inputTokens: 5, model: 'm' });
  }
  return 'so it is';
};

beforeAll(async () => {
  test = await startRuntime({
    machines: {
      grandparent: app('fan.machine.ts', 'grandparent'),
      asker: app('asker.machine.ts', 'asker'),
      two: app('gathering.machine.ts', 'gatherTwo'),
    },
    agents: {
      work: { run: work, concurrency: BRANCHES, model: 'm' },
      oracle: { run: oracle, model: 'm', estimate: () => ({ tokens: 700, outputTokens: 200 }) },
    },
    prices: { m: { inputPerMillion: 1, outputPerMillion: 10, at: '2026-11-01' } },
  });
  client = test.runtime.client;
});

afterAll(async () => {
  await test?.[Symbol.asyncDispose]();
});

/** Once the attempts that hang on it have said what they used. */
async function costsOf(type: string, id: string, calls: number): Promise<Costs> {
  await expect.poll(async () => (await client.costs(type, id)).total.calls, SOON).toBe(calls);
  return client.costs(type, id);
}

it('a gather that has enough: paid, wasted, and at most', async () => {
  await client.start('grandparent', { id: 'g' });
  await expect.poll(() => begun, SOON).toBe(BRANCHES);
  for (const answer of waiting.splice(0)) answer();
  // The fan is a grandchild: sums come up to the root.
  const costs = await costsOf('grandparent', 'g', BRANCHES);
  const losers = BRANCHES - 1;
  expect(costs.total).toMatchObject({ inputTokens: 100 + losers * RESERVED, outputTokens: 10 });
  // Nobody knows what those that were cut cost: at most what they had reserved, at the dearer price.
  expect(costs.estimated).toMatchObject({ calls: losers, microUsd: losers * RESERVED * 10 });
  expect(costs.wasted).toEqual(costs.estimated);
  const paid = costs.total.microUsd - costs.estimated.microUsd;
  expect(paid).toBe(100 + 10 * 10);
  expect(test.runtime.counters().usage).toMatchObject([{ agent: 'work', model: 'm', calls: BRANCHES }]);
});

it('what is cancelled before it begins is saved: with what was paid it is what all would have cost', async () => {
  const items = Array.from({ length: BRANCHES }, (_, at) => at);
  await client.run('two', { id: 'saves', input: { items } as never });
  const saved = async () => (await client.costs('two', 'saves')).saved.calls;
  await expect.poll(saved, SOON).toBe(BRANCHES - asked);
  const costs = await costsOf('two', 'saves', asked);
  // Eight at once, and two that took the places of those that answered.
  expect(asked).toBeLessThanOrEqual(10);
  const tokens = ({ inputTokens, outputTokens }: Amount): number => inputTokens + outputTokens;
  expect(tokens(costs.total) + tokens(costs.saved)).toBe(BRANCHES * 700);
  expect(costs.saved.microUsd).toBe((BRANCHES - asked) * (500 + 200 * 10));
  const counted = test.runtime.counters().usage.find(({ agent }) => agent === 'oracle');
  expect(counted?.saved).toEqual(costs.saved);
});

it('usage that an SDK leaves undefined counts as it was estimated, and never as 0', async () => {
  await client.run('asker', { id: 'undefined', input: { question: 'undefined' } as never });
  const costs = await costsOf('asker', 'undefined', 1);
  expect(costs.total).toMatchObject({ inputTokens: 500, outputTokens: 200, microUsd: 500 + 2_000 });
  expect(costs.estimated).toEqual(costs.total);
  expect(costs.final).toBe(true);
});

it('an answer after the run was cancelled is booked once, and changes nothing else', async () => {
  await client.start('asker', { id: 'late', input: { question: 'deaf' } as never });
  await expect.poll(() => waiting.length, SOON).toBe(1);
  expect(await client.cancel('asker', 'late')).toBe('cancelled');
  waiting = [];
  const costs = await costsOf('asker', 'late', 1);
  expect(costs.total).toMatchObject({ inputTokens: 5, microUsd: 5 });
  expect(costs.wasted).toEqual(costs.total);
  expect(costs.final).toBe(false);
  expect(await client.query('asker', 'late')).toMatchObject({
    status: 'stopped',
    context: { question: 'deaf' },
  });
});

it('a watch with progress shows it', async () => {
  const seen: (number | undefined)[] = [];
  await client.start('asker', { id: 'watched', input: { question: '?' } as never });
  for await (const { costs } of client.watch('asker', 'watched', { progress: true }))
    seen.push(costs?.total.calls);
  expect(seen.at(-1)).toBe(1);
});

it('what reports nothing costs nothing to show', async () => {
  expect(await client.costs('asker', 'undefined')).toMatchObject({ rows: [{ agent: 'oracle' }] });
  await expect(client.costs('asker', 'nobody')).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
});

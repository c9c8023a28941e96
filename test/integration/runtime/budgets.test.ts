// Runs under a budget, over a real socket: what the agent counted never passes it, whoever asks, however often it is tried, and whether a
// child of the run asks or the run itself.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { QuorateClient } from '../../../src/contract/client.ts';
import type { AgentContext, QuorateConfig } from '../../../src/contract/config.ts';
import { app, startRuntime, type TestRuntime } from '../../kit/runtime.ts';

const SOON = { timeout: 20_000, interval: 200 };
const EACH = 100;
const BRANCHES = 20;
const items = Array.from({ length: BRANCHES }, (_, at) => at);

let test: TestRuntime<QuorateConfig>;
let client: QuorateClient;
/** Attempts that were begun, and what they are told to do. */
let begun = 0;
let act: (attempt: number) => Promise<void> = async () => {};

async function work(_input: unknown, { attempt, usage }: AgentContext) {
  begun++;
  usage({ inputTokens: EACH, model: 'm' });
  await act(attempt);
  return { counts: { sum: 1 } };
}

const answer = async (input: unknown, context: AgentContext): Promise<string> => {
  await work(input, context);
  return 'so';
};

const agent = {
  run: work,
  estimate: () => ({ tokens: EACH }),
  concurrency: BRANCHES,
  retry: { backoffMs: 10 },
};

beforeAll(async () => {
  test = await startRuntime({
    machines: {
      all: app('gathering.machine.ts', 'gatherAll'),
      grandparent: app('fan.machine.ts', 'grandparent'),
      asker: app('asker.machine.ts', 'asker'),
    },
    agents: { work: agent, oracle: { ...agent, run: answer } },
    budgets: { acme: { tokensPerDay: 7 * EACH } },
    prices: { m: { inputPerMillion: 1, outputPerMillion: 1, at: '2026-11-01' } },
  });
  client = test.runtime.client;
});

beforeEach(() => {
  begun = 0;
  act = async () => {};
});

afterAll(async () => {
  await test?.[Symbol.asyncDispose]();
});

const budgetOf = async (type: string, id: string) => (await client.query(type, id)).budget;

it('sends no branch that there is nothing left for, and ends when somebody adds what is missing', async () => {
  await client.start('all', { id: 'waits', input: { items } as never, budget: { tokens: 5 * EACH } });
  await expect
    .poll(() => budgetOf('all', 'waits'), SOON)
    .toMatchObject({
      spent: { tokens: 5 * EACH },
      reserved: { tokens: 0 },
      waiting: BRANCHES - 5,
    });
  expect(begun).toBe(5);
  const added = await client.topUp('all', 'waits', { tokens: 15 * EACH, by: 'ann' });
  expect(added).toMatchObject({ limit: { tokens: BRANCHES * EACH }, topUps: [{ by: 'ann' }] });
  expect(await client.result('all', 'waits')).toMatchObject({ ok: BRANCHES });
  expect(begun).toBe(BRANCHES);
  const costs = await client.costs('all', 'waits');
  expect(costs.total).toMatchObject({ inputTokens: BRANCHES * EACH, calls: BRANCHES });
});

it('ends with what is there where the budget says so', async () => {
  const budget = { tokens: 5 * EACH, onExhausted: 'fail' } as const;
  await client.start('all', { id: 'fails', input: { items } as never, budget });
  const ended = await client.result('all', 'fails').catch((error: unknown) => error);
  expect(begun).toBe(5);
  expect(JSON.stringify([ended, (ended as { code?: string }).code])).toContain('BUDGET_EXHAUSTED');
});

it('counts every attempt: one that failed is settled before the next is reserved for', async () => {
  act = async (attempt) => {
    if (attempt < 3) throw new Error('no');
  };
  await client.start('asker', {
    id: 'retries',
    input: { question: '?' } as never,
    budget: { tokens: 2 * EACH },
  });
  await expect
    .poll(() => budgetOf('asker', 'retries'), SOON)
    .toMatchObject({ waiting: 1, spent: { tokens: 2 * EACH } });
  expect(begun).toBe(2);
  await client.topUp('asker', 'retries', { tokens: EACH });
  expect(await client.result('asker', 'retries')).toMatchObject({ answer: 'so' });
  expect(begun).toBe(3);
  expect(await client.costs('asker', 'retries')).toMatchObject({ wasted: { calls: 2 }, total: { calls: 3 } });
});

it('is shared by children, who reopen nothing and ask for more', async () => {
  // All fail, so that the quorum of the grandchild asks for as many as it gets.
  act = async () => {
    throw Object.assign(new Error('no'), { retryable: false });
  };
  await client.start('grandparent', { id: 'family', budget: { tokens: 8 * EACH } });
  await expect
    .poll(() => budgetOf('grandparent', 'family'), SOON)
    .toMatchObject({ spent: { tokens: 8 * EACH } });
  expect(begun).toBe(8);
  await client.topUp('grandparent', 'family', { tokens: 4 * EACH });
  await expect.poll(() => begun, SOON).toBe(12);
  expect(await client.cancel('grandparent', 'family')).toBe('cancelled');
});

it('is drawn from the day of the tenant, by all its runs together', async () => {
  const run = (id: string, more: object = {}) =>
    client.start('all', { id, input: { items } as never, tenant: 'acme', ...more });
  // Its own budget bounds what it draws, and what it does not use goes back.
  await run('bounded', { budget: { tokens: 2 * EACH, onExhausted: 'fail' } });
  await client.result('all', 'bounded').catch(() => undefined);
  expect(begun).toBe(2);
  await Promise.all([run('one'), run('two')]);
  await expect.poll(() => begun, SOON).toBe(7);
  await expect
    .poll(async () => {
      const both = await Promise.all(['one', 'two'].map((id) => budgetOf('all', id)));
      return both.map((budget) => [budget?.tenant, budget?.waitingSince !== undefined]);
    }, SOON)
    .toEqual([
      ['acme', true],
      ['acme', true],
    ]);
  expect(begun).toBe(7);
  const { day, ...status } = await client.budgets.get('acme');
  expect(status).toMatchObject({ tokensPerDay: 7 * EACH, drawnTokens: 7 * EACH, waiting: 2, revision: 0 });
  expect(day).toMatch(/^\d{4}-\d\d-\d\d$/);
  const changed = await client.budgets.set('acme', { tokensPerDay: 9 * EACH });
  expect(changed).toMatchObject({ tokensPerDay: 9 * EACH, revision: 1 });
  await expect.poll(() => begun, SOON).toBe(9);
  await Promise.all(['one', 'two'].map((id) => client.cancel('all', id)));
  await expect(client.budgets.get('nobody')).rejects.toMatchObject({ code: 'BUDGET_NOT_FOUND' });
  await expect(client.budgets.set('acme', {})).rejects.toMatchObject({ code: 'BUDGET_INVALID' });
});

it('refuses what nobody can keep', async () => {
  await expect(client.start('all', { id: 'x', budget: {} })).rejects.toMatchObject({
    code: 'BUDGET_INVALID',
  });
  await expect(client.start('all', { id: 'x', budget: { tokens: -1 } })).rejects.toMatchObject({
    code: 'BUDGET_INVALID',
  });
  await client.start('asker', { id: 'none', input: { question: '?' } as never });
  await expect(client.topUp('asker', 'none', { tokens: 1 })).rejects.toMatchObject({
    code: 'BUDGET_INVALID',
  });
  await expect(client.topUp('asker', 'nobody', { tokens: 1 })).rejects.toMatchObject({
    code: 'ACTOR_NOT_FOUND',
  });
});

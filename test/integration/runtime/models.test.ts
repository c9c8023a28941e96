// Model agents in a runtime, against a provider that counts and bills: what it would bill is what its runs say that they cost. Incidents
// of others: one 429 became 45 requests, usage that was not known counted as 0, a loser's call was billed and had no usage.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import { actorTool } from '../../../src/ai/actor-tool.ts';
import { modelAgent } from '../../../src/ai/model-agent.ts';
import type { QuorateClient } from '../../../src/contract/client.ts';
import type { QuorateConfig } from '../../../src/contract/config.ts';
import type { Costs } from '../../../src/contract/usage.ts';
import { mcpTools } from '../../../src/mcp/agent.ts';
import { closeServer } from '../../../src/mcp/connections.ts';
import { ownServer } from '../../kit/mcp/servers.ts';
import {
  type Asked,
  type ModelAnswer,
  type ModelServer,
  startModelServer,
  type Work,
} from '../../kit/model/server.ts';
import { app, startRuntime, type TestRuntime } from '../../kit/runtime.ts';

const SOON = { timeout: 20_000 };
const server = ownServer('models');
let model: ModelServer;
let test: TestRuntime<QuorateConfig>;
let client: QuorateClient;
let work: (asked: Asked) => Work = () => ({});
let fail: (before: number) => ModelAnswer | undefined = () => undefined;

beforeAll(async () => {
  model = await startModelServer({ work: (asked) => work(asked), fail: (_path, before) => fail(before) });
  const m = createOpenAICompatible({ name: 'kit', baseURL: model.url, includeUsage: true })('m');
  const wait = actorTool({
    type: 'waiter',
    description: 'waits',
    inputSchema: z.object({ ms: z.number() }),
    client: () => client,
  });
  const base = { model: m, prompt: (input: unknown) => JSON.stringify(input ?? null), maxOutputTokens: 200 };
  test = await startRuntime({
    machines: {
      asker: app('asker.machine.ts', 'asker'),
      fan: app('fan.machine.ts', 'fan'),
      waiter: app('waiter.machine.ts', 'waiter'),
    },
    agents: {
      oracle: {
        ...modelAgent({
          ...base,
          tools: async () => ({ wait, ...(await mcpTools(server, { only: ['echo'] })) }),
          maxSteps: 3,
        }),
        close: () => closeServer(server),
        retry: { attempts: 3, backoffMs: 10 },
      },
      work: { ...modelAgent(base), concurrency: 20, retry: { attempts: 1 } },
    },
    prices: { m: { inputPerMillion: 1, outputPerMillion: 10, at: '2026-11-01' } },
  });
  ({ client } = test.runtime);
});
afterAll(async () => {
  await test?.[Symbol.asyncDispose]();
  await model?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  work = () => ({});
  fail = () => undefined;
});

const ask = (id: string): Promise<unknown> => client.run('asker', { id, input: { question: id } as never });

async function costsOf(type: string, id: string, calls: number): Promise<Costs> {
  await expect.poll(async () => (await client.costs(type, id)).total.calls, SOON).toBe(calls);
  return client.costs(type, id);
}

const billedSince = (at: number): number =>
  model.calls.slice(at).reduce((sum, one) => sum + one.billedTokens, 0);
const tokens = ({ inputTokens, outputTokens }: Costs['total']): number => inputTokens + outputTokens;

it('asks as often as it counts: a 429 is one request, and waits as long as it was asked to', async () => {
  const before = { ...test.runtime.counters().agents['oracle'] };
  const from = model.asked.length;
  fail = (at) => (at - from < 2 ? { status: 429, headers: { 'retry-after-ms': '20' } } : undefined);
  expect(await ask('throttled')).toEqual({ answer: 'w1 w2 w3 ' });
  expect(model.asked.slice(from).map(({ status }) => status)).toEqual([429, 429, 200]);
  const after = test.runtime.counters().agents['oracle'];
  expect([
    (after?.started ?? 0) - (before.started ?? 0),
    (after?.waited ?? 0) - (before.waited ?? 0),
  ]).toEqual([3, 2]);
  const { total, estimated } = await costsOf('asker', 'throttled', 1);
  expect([tokens(total), tokens(estimated)]).toEqual([model.calls.at(-1)?.billedTokens, 0]);
});

it('an attempt that was cut counts as it was reserved, the one behind it as it was', async () => {
  const from = model.calls.length;
  work = ({ nth }) => (nth === from ? { cutsAfter: 1 } : {});
  expect(await ask('cut')).toEqual({ answer: 'w1 w2 w3 ' });
  const { total, estimated } = await costsOf('asker', 'cut', 2);
  expect(estimated).toMatchObject({ calls: 1, outputTokens: 200 });
  expect(tokens(total) - tokens(estimated)).toBe(model.calls.at(-1)?.billedTokens);
  expect(tokens(total)).toBeGreaterThanOrEqual(billedSince(from));
});

it('losers of a quorum are billed as far as they came: paid exactly, and at most', async () => {
  const from = model.calls.length;
  const at = model.asked.length;
  // One answers once all have begun; the others speak for a minute.
  work = ({ nth }) => (nth === at ? { ms: 300 } : { ms: 60_000, outputTokens: 200 });
  await client.run('fan', { id: 'quorum', input: {} });
  await expect.poll(() => model.calls.length - from, SOON).toBe(model.asked.length - at);
  const { total, estimated, wasted } = await costsOf('fan', 'quorum', model.asked.length - at);
  const winner = model.calls.slice(from).find(({ end }) => end === 'answered');
  expect(tokens(total) - tokens(estimated)).toBe(winner?.billedTokens);
  expect(tokens(total)).toBeGreaterThanOrEqual(billedSince(from));
  expect(wasted).toEqual(estimated);
});

it('a tool that is an actor is started once, however often the model is asked', async () => {
  const at = model.asked.length;
  const call = { toolCalls: [{ name: 'wait', input: { ms: 1 } }] };
  // The second call of the first attempt is cut.
  work = ({ body, nth }) =>
    !body.includes('"role":"tool"') ? call : nth === at + 1 ? { cutsAfter: 0 } : { text: 'it is over' };
  expect(await ask('tool')).toEqual({ answer: 'it is over' });
  expect(model.asked.length - at).toBe(4);
  expect((await client.actors.list('waiter')).ids).toHaveLength(1);
});

it('a tool of an MCP server is called with what the model says, and its answer told to the model', async () => {
  const bodies: string[] = [];
  const call = { toolCalls: [{ name: 'echo', input: { word: 'nightingale' } }] };
  work = ({ body }) => {
    bodies.push(body);
    return body.includes('"role":"tool"') ? { text: 'heard' } : call;
  };
  expect(await ask('mcp')).toEqual({ answer: 'heard' });
  expect(bodies).toHaveLength(2);
  expect(bodies[1]?.split('nightingale')).toHaveLength(3);
});

it('what a model says is streamed to who reads along', async () => {
  await ask('aloud');
  const pieces: unknown[] = [];
  for await (const item of client.stream('asker', 'aloud'))
    if (item.kind === 'piece') pieces.push(item.value);
  expect(pieces).toEqual(['w1 ', 'w2 ', 'w3 ']);
});

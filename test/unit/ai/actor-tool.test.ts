// Tools that are actors: the same one for each attempt at a task, cancelled with the task and with nothing else.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import { type ActorToolClient, actorTool } from '../../../src/ai/actor-tool.ts';
import { modelAgent } from '../../../src/ai/model-agent.ts';
import { QuorateError } from '../../../src/contract/errors.ts';
import type { Json } from '../../../src/contract/json.ts';
import { type ModelServer, startModelServer, type Work } from '../../kit/model/server.ts';
import { attempt, modelOf } from './kit.ts';

type Started = {
  readonly id: string;
  readonly input: Json;
  readonly signal: AbortSignal;
  readonly tenant?: string;
};

let server: ModelServer;
let work: (body: string) => Work = () => ({});
let started: Started[] = [];
let cancelled: string[] = [];
let answer: (one: Started) => Promise<Json> = async () => 'rain';

beforeAll(async () => {
  server = await startModelServer({ work: ({ body }) => work(body) });
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => {
  started = [];
  cancelled = [];
  answer = async () => 'rain';
});

const client = {
  run: (_type: string, one: Started) => {
    started.push(one);
    return answer(one);
  },
  cancel: async (_type: string, id: string) => {
    cancelled.push(id);
    return 'cancelled';
  },
} as unknown as ActorToolClient;
const forecast = actorTool({
  type: 'forecast',
  description: 'the weather',
  inputSchema: z.object({ town: z.string() }),
  client: async () => client,
  toInput: ({ town }) => ({ town, days: 3 }),
  start: { tenant: 'acme' },
});
const agentOf = () =>
  modelAgent({ model: modelOf(server), prompt: (text: string) => text, tools: { forecast } });
/** Asks for the same town twice, and for another one. */
const calls = ['Ulm', 'Ulm', 'Bonn'].map((town) => ({ name: 'forecast', input: { town } }));
const isAnswered = (body: string): boolean => body.includes('"role":"tool"');

it('starts an actor for each call, the same ones for an attempt that comes again, and others for another task', async () => {
  work = (body) => (isAnswered(body) ? { text: 'ok' } : { toolCalls: calls });
  expect(await attempt(agentOf(), '?', { key: 'one' })).toMatchObject({ output: 'ok' });
  expect(started.map(({ input }) => input)).toEqual(
    ['Ulm', 'Ulm', 'Bonn'].map((town) => ({ town, days: 3 })),
  );
  expect(started[0]).toMatchObject({ tenant: 'acme' });
  const ids = started.splice(0).map(({ id }) => id);
  expect(new Set(ids).size).toBe(3);
  await attempt(agentOf(), '?', { key: 'one' });
  expect(started.splice(0).map(({ id }) => id)).toEqual(ids);
  await attempt(agentOf(), '?', { key: 'other' });
  expect(ids).not.toContain(started[0]?.id);
});

it('what an actor ends with is told to the model, also an error', async () => {
  work = (body) =>
    isAnswered(body)
      ? { text: body.includes('no such town') ? 'unknown' : 'known' }
      : { toolCalls: [calls[0] as never] };
  expect(await attempt(agentOf(), '?')).toMatchObject({ output: 'known' });
  answer = () => Promise.reject(new QuorateError('ACTOR_STOPPED', 'no such town'));
  expect(await attempt(agentOf(), '?')).toMatchObject({ output: 'unknown' });
});

it.each([
  ['a task that is cancelled', new QuorateError('TASK_CANCELLED', 'nobody waits'), 1],
  ['an attempt that was too slow', new QuorateError('AGENT_TIMEOUT', 'too slow'), 0],
])('the actor of %s', async (_name, reason, times) => {
  work = () => ({ toolCalls: [calls[0] as never] });
  const controller = new AbortController();
  answer = ({ signal }) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
      controller.abort(reason);
    });
  const { error } = await attempt(agentOf(), '?', { signal: controller.signal });
  expect(error).toMatchObject({ code: reason.code });
  await expect.poll(() => cancelled).toHaveLength(times);
});

it('runs in a modelAgent alone', async () => {
  await expect(forecast.execute?.({ town: 'Ulm' }, {} as never)).rejects.toMatchObject({
    code: 'INPUT_INVALID',
  });
});

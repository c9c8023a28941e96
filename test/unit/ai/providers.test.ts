// Other providers than the one of the other tests, over the protocols that they speak: Anthropic's messages, OpenAI's responses and chat
// completions by OpenAI's own provider. What they make of an end differs; what Quorate makes of it does not.
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { tool } from 'ai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type ModelObject, modelAgent } from '../../../src/ai/model-agent.ts';
import type { Failure } from '../../../src/contract/failure.ts';
import { type ModelAnswer, type ModelServer, startModelServer, type Work } from '../../kit/model/server.ts';
import { attempt, type Counts, expectCounted, tokensOf } from './kit.ts';

const SECRET = 'the merger of Alpha and Beta is planned for the third of May';
let server: ModelServer;
let work: (nth: number) => Work;
let fails: ModelAnswer | undefined;
let bodies: unknown[];

beforeAll(async () => {
  server = await startModelServer({
    fail: () => fails,
    work: ({ nth, body }) => {
      bodies.push(JSON.parse(body));
      return work(nth);
    },
  });
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => {
  work = () => ({});
  fails = undefined;
  bodies = [];
});

interface Provider {
  readonly model: () => ModelObject;
  /** How it says so. */
  readonly overloaded: object;
  readonly broken: object;
  readonly throttled: ModelAnswer;
  readonly spent: ModelAnswer;
  /** Ends without a reason, and without what was used. */
  readonly endless: Work;
}

const openai = (): ReturnType<typeof createOpenAI> => createOpenAI({ apiKey: 'none', baseURL: server.url });
const OPENAI: Omit<Provider, 'model'> = {
  overloaded: { type: 'server_error', code: 'server_is_overloaded', message: 'full', param: null },
  broken: { type: 'server_error', code: 'server_error', message: 'sorry', param: null },
  throttled: {
    status: 429,
    headers: { 'retry-after-ms': '1500' },
    body: { error: { message: 'slow', type: 'requests', code: 'rate_limit_exceeded' } },
  },
  spent: {
    status: 429,
    body: { error: { message: 'pay', type: 'insufficient_quota', code: 'credit_balance_exhausted' } },
  },
  endless: { finish: null, isSilent: true },
};

const PROVIDERS: Readonly<Record<string, Provider>> = {
  'anthropic messages': {
    model: () => createAnthropic({ apiKey: 'none', baseURL: server.url })('m'),
    overloaded: { type: 'overloaded_error', message: 'full' },
    broken: { type: 'api_error', message: 'sorry' },
    throttled: {
      status: 429,
      headers: { 'retry-after': '2' },
      body: { type: 'error', error: { type: 'rate_limit_error', message: 'slow' } },
    },
    spent: {
      status: 400,
      body: {
        type: 'error',
        error: {
          type: 'invalid_request_error',
          message: 'You have reached your specified API usage limits. You will regain access on the 1st.',
        },
      },
    },
    endless: { finish: null },
  },
  'openai responses': { model: () => openai().responses('m'), ...OPENAI },
  'openai chat': { model: () => openai().chat('m'), ...OPENAI },
};

type Ending = readonly [
  name: string,
  given: (provider: Provider) => { readonly work?: Work; readonly fails?: ModelAnswer; readonly ms?: number },
  expected: Partial<Failure> & { readonly error: string },
  counts: Counts,
];

const ENDINGS: readonly Ending[] = [
  [
    'too many',
    ({ throttled }) => ({ fails: throttled }),
    { error: 'MODEL_REFUSED', kind: 'throttled', retryAfterMs: expect.any(Number) as number },
    'nothing',
  ],
  ['no money', ({ spent }) => ({ fails: spent }), { error: 'MODEL_REFUSED', kind: 'account' }, 'nothing'],
  [
    'overloaded, said in the stream ahead of the answer',
    ({ overloaded }) => ({ work: { failsAfter: { tokens: 0, error: overloaded } } }),
    { error: 'MODEL_REFUSED', kind: 'overloaded' },
    'nothing',
  ],
  [
    'broken, said in the stream ahead of the answer: the prompt may have been read',
    ({ broken }) => ({ work: { failsAfter: { tokens: 0, error: broken } } }),
    { error: 'MODEL_CUT' },
    'reserved',
  ],
  [
    'overloaded in the middle',
    ({ overloaded }) => ({ work: { failsAfter: { tokens: 2, error: overloaded } } }),
    { error: 'MODEL_CUT', kind: 'overloaded' },
    'reserved',
  ],
  ['dropped', () => ({ work: { drops: true } }), { error: 'MODEL_CUT', kind: 'unknown' }, 'reserved'],
  ['cut in the middle', () => ({ work: { cutsAfter: 2 } }), { error: 'MODEL_CUT' }, 'reserved'],
  [
    'without an end',
    ({ endless }) => ({ work: endless }),
    { error: 'MODEL_CUT', kind: 'incomplete' },
    'reserved',
  ],
  [
    'silent in the middle',
    () => ({ work: { hangsAfter: 2 }, ms: 100 }),
    { error: 'MODEL_SILENT', kind: 'unknown' },
    'reserved',
  ],
  ['too long', () => ({ work: { finish: 'length' } }), { error: 'MODEL_LENGTH', kind: 'permanent' }, 'exact'],
  [
    'filtered',
    () => ({ work: { finish: 'content_filter' } }),
    { error: 'MODEL_FILTERED', kind: 'permanent' },
    'exact',
  ],
];

describe.each(Object.entries(PROVIDERS))('%s', (_, provider) => {
  const agentOf = (more: object = {}) =>
    modelAgent({ model: provider.model(), prompt: (text: string) => text, maxOutputTokens: 50, ...more });

  it.each(ENDINGS)('%s', async (_name, given, { error: code, ...expected }, counts) => {
    const { work: does = {}, fails: refuses, ms } = given(provider);
    work = () => does;
    fails = refuses;
    const before = server.calls.length;
    const idle = ms === undefined ? {} : { chunkMs: ms };
    const { error, output, rows, logged } = await attempt(agentOf(idle), SECRET);
    expect([output, error?.code]).toEqual([undefined, code]);
    expect(error?.data).toMatchObject({ failure: expected });
    await expect.poll(() => server.calls.length).toBe(before + 1);
    expectCounted(rows, server.calls.at(-1)?.billedTokens, counts);
    expect(JSON.stringify([error, logged])).not.toContain('merger');
  });

  it('what is said ahead of the answer is no piece of it: a model may think for long', async () => {
    work = () => ({ hangsAfter: 0 });
    const { error } = await attempt(agentOf({ firstChunkMs: 200, chunkMs: 20 }), SECRET);
    expect(error?.message).toBe('m gave no piece of an answer within 200 ms');
  });

  it('a whole answer is streamed, and counts what was billed, with what was cached', async () => {
    work = () => ({ text: 'so it is, as far as anybody knows', cachedTokens: 4 });
    const { output, rows, streamed } = await attempt(agentOf(), SECRET);
    expect([output, streamed.length > 2, streamed.map(String).join('')]).toEqual([
      'so it is, as far as anybody knows',
      true,
      output,
    ]);
    expect(rows).toMatchObject([{ model: 'm', calls: 1, cachedInputTokens: 4 }]);
    expect([tokensOf(rows), rows[0]?.estimated]).toEqual([server.calls.at(-1)?.billedTokens, undefined]);
  });

  it('an answer is a value of its schema, and of a tool loop each call counts', async () => {
    const first = server.asked.length;
    work = (nth) =>
      nth === first
        ? { toolCalls: [{ name: 'weather', input: { town: 'Ulm' } }] }
        : { text: '{"rains":true}' };
    const weather = tool({
      description: 'The weather of a town.',
      inputSchema: z.object({ town: z.string() }),
      execute: async ({ town }) => `rain in ${town}`,
    });
    const agent = agentOf({
      output: z.object({ rains: z.boolean() }),
      tools: { weather },
      // Else Anthropic's provider asks models that it does not know for a call of a tool of its own.
      settings: { providerOptions: { anthropic: { structuredOutputMode: 'outputFormat' } } },
    });
    const { output, rows, error } = await attempt(agent, 'Ulm?');
    expect({ output, error }).toEqual({ output: { rains: true }, error: undefined });
    expect(JSON.stringify(bodies.at(-1))).toContain('rain in Ulm');
    const calls = server.calls.slice(-2);
    expect(rows).toMatchObject([{ calls: 2 }]);
    expect(tokensOf(rows)).toBe(calls.reduce((sum, { billedTokens }) => sum + billedTokens, 0));
  });
});

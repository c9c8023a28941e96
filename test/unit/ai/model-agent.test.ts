// What a model agent asks and answers: structured output, tools in several calls, pieces, another model behind a fallback.

import { tool } from 'ai';
import { type as arktype } from 'arktype';
import * as fc from 'fast-check';
import * as valibot from 'valibot';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import { repeats } from '../../../src/ai/endings.ts';
import { modelAgent } from '../../../src/ai/model-agent.ts';
import type { OutputSchema } from '../../../src/ai/output.ts';
import type { Json } from '../../../src/contract/json.ts';
import { type Asked, type ModelServer, startModelServer, type Work } from '../../kit/model/server.ts';
import { attempt, modelOf, tokensOf } from './kit.ts';

let server: ModelServer;
let asked: Asked[] = [];
let work: (asked: Asked) => Work = () => ({});

beforeAll(async () => {
  server = await startModelServer({
    work: (one) => {
      asked.push(one);
      return work(one);
    },
  });
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => {
  asked = [];
  work = () => ({});
});

const billed = (): number =>
  server.calls.slice(-asked.length).reduce((sum, one) => sum + one.billedTokens, 0);
const bodies = () => asked.map(({ body }) => JSON.parse(body));

const finding = z.object({ file: z.string(), line: z.number() });
/** One of another library, as Standard Schema has it, without a JSON Schema of its own. */
const positive: OutputSchema<number> = {
  '~standard': {
    version: 1,
    vendor: 'ours',
    validate: (value) =>
      typeof value === 'number' && value > 0
        ? { value }
        : { issues: [{ message: 'must be above 0', path: ['n'] }] },
  },
};

/** Of the answer `{ file, line }`, each by the library's own means. */
const SCHEMAS: readonly {
  readonly name: string;
  readonly output: OutputSchema<{ file: string; line: number }>;
  readonly jsonSchema?: Record<string, unknown>;
}[] = [
  { name: 'zod', output: finding },
  { name: 'arktype', output: arktype({ file: 'string', line: 'number' }) },
  {
    name: 'valibot, which needs a JSON Schema beside it',
    output: valibot.object({ file: valibot.string(), line: valibot.number() }),
    jsonSchema: { type: 'object', required: ['file', 'line'] },
  },
];

it.each(SCHEMAS)('an answer is checked by a schema of $name', async ({ output, jsonSchema }) => {
  const given = jsonSchema === undefined ? {} : { jsonSchema };
  const agent = modelAgent({ model: modelOf(server), prompt: (text: string) => text, output, ...given });
  work = () => ({ text: '{"file":"a.ts","line":3}' });
  expect(await attempt(agent, 'where?')).toMatchObject({ output: { file: 'a.ts', line: 3 } });
  expect(bodies()[0].response_format.json_schema.schema).toMatchObject({
    type: 'object',
    required: ['file', 'line'],
  });
  work = () => ({ text: '{"file":"a.ts","line":"three"}' });
  const { error } = await attempt(agent, 'where?');
  expect(error).toMatchObject({
    code: 'MODEL_OUTPUT_INVALID',
    message: expect.stringMatching(/line.*number/),
  });
});

it('a schema without a JSON Schema is said before anything is asked, and not tried again', async () => {
  const output = valibot.object({ file: valibot.string() });
  const agent = modelAgent({ model: modelOf(server), prompt: (text: string) => text, output });
  const { error, rows } = await attempt(agent, 'where?');
  expect(error).toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('give it as `jsonSchema`'),
    data: { failure: { kind: 'permanent' } },
  });
  expect([asked, tokensOf(rows)]).toEqual([[], 0]);
});

it('an answer of a schema is streamed as it comes, and not when it is whole', async () => {
  const agent = modelAgent({ model: modelOf(server), prompt: (text: string) => text, output: finding });
  const text = JSON.stringify({ file: 'one or two words', line: 3 });
  // The last piece never comes: those before it have been streamed.
  work = () => ({ text, hangsAfter: 3, outputTokens: 4 });
  const seen = Promise.withResolvers<readonly Json[]>();
  const stop = new AbortController();
  const attempted = attempt(agent, 'where?', {
    signal: stop.signal,
    onPiece: (pieces) => (pieces.length === 3 ? seen.resolve(pieces) : undefined),
  });
  expect(text.startsWith((await seen.promise).map(String).join(''))).toBe(true);
  stop.abort(new Error('enough'));
  expect((await attempted).error).toBeDefined();
});

it('an answer is a value of its schema, also out of a fence, and its type is that of the schema', async () => {
  const agent = modelAgent({ model: modelOf(server), prompt: (text: string) => text, output: finding });
  const typed: (input: string, context: never) => Promise<{ file: string; line: number }> = agent.run;
  expect(typed).toBe(agent.run);
  work = () => ({ text: '{"file":"a.ts","line":3}' });
  expect(await attempt(agent, 'where?')).toMatchObject({ output: { file: 'a.ts', line: 3 } });
  expect(bodies()[0].response_format).toMatchObject({
    type: 'json_schema',
    json_schema: { schema: { type: 'object', required: ['file', 'line'] } },
  });
  work = () => ({ text: '```json\n{"file":"a.ts","line":3}\n```' });
  expect(await attempt(agent, 'where?')).toMatchObject({ output: { file: 'a.ts', line: 3 } });
});

it.each([
  ['no JSON', finding, 'I would rather not', 'the answer of m does not fit: it is no JSON'],
  [
    'another shape',
    finding,
    '{"file":1}',
    'the answer of m does not fit: file: Invalid input: expected string, received number; line',
  ],
  [
    'refused by a schema of another library',
    positive,
    '-1',
    'the answer of m does not fit: n: must be above 0',
  ],
] as const)(
  'an answer that does not fit is paid for, said clearly and tried again: %s',
  async (_name, output, text, message) => {
    const agent = modelAgent({
      model: modelOf(server),
      prompt: (question: string) => question,
      output: output as typeof positive,
      ...(output === positive ? { jsonSchema: { type: 'number' } } : {}),
    });
    work = () => ({ text });
    const { error, rows } = await attempt(agent, 'where?');
    expect(error).toMatchObject({ code: 'MODEL_OUTPUT_INVALID', data: { failure: { kind: 'incomplete' } } });
    expect(error?.message).toContain(message);
    expect([tokensOf(rows), rows[0]?.estimated]).toEqual([billed(), undefined]);
  },
);

it('each call of a tool loop is reserved for and counted by itself', async () => {
  const weather = tool({
    description: 'the weather',
    inputSchema: z.object({ town: z.string() }),
    execute: ({ town }) => `rain in ${town}`,
  });
  const agent = modelAgent({
    model: modelOf(server),
    system: 'Be brief.',
    prompt: (text: string) => text,
    tools: { weather },
  });
  const call = { toolCalls: [{ name: 'weather', input: { town: 'Ulm' } }], outputTokens: 7 };
  work = ({ body }) => (body.includes('rain in Ulm') ? { text: 'It rains.' } : call);
  const { output, rows } = await attempt(agent, 'Ulm?');
  expect(output).toBe('It rains.');
  expect(asked).toHaveLength(2);
  expect(bodies()[0]).toMatchObject({ max_tokens: 4_096, messages: [{ role: 'system' }, { role: 'user' }] });
  expect(rows).toMatchObject([{ calls: 2 }]);
  expect([tokensOf(rows), rows[0]?.estimated]).toEqual([billed(), undefined]);

  // The second call is cut: the first counts as it was, the second as reserved.
  work = ({ body }) => (body.includes('rain in Ulm') ? { cutsAfter: 1, text: 'It rains.' } : call);
  const cut = await attempt(agent, 'Ulm?');
  expect(cut.error).toMatchObject({ code: 'MODEL_CUT' });
  expect(cut.rows).toMatchObject([{ calls: 2, estimated: { calls: 1, outputTokens: 4_096 } }]);

  // The second call is refused: the first counts.
  const steps = modelAgent({
    model: modelOf(server),
    prompt: (text: string) => text,
    tools: { weather },
    maxSteps: 2,
  });
  work = () => call;
  const before = server.calls.length;
  const { error, rows: paid } = await attempt(steps, 'Ulm?');
  expect(error).toMatchObject({ code: 'MODEL_STEPS', data: { failure: { kind: 'permanent' } } });
  expect(tokensOf(paid)).toBe(server.calls.slice(before).reduce((sum, one) => sum + one.billedTokens, 0));
});

it('estimates at least what the provider counts, of one call and of a whole loop', async () => {
  const tools = { noop: tool({ description: 'nothing', inputSchema: z.object({}), execute: () => 'done' }) };
  for (const text of ['?', 'wörter '.repeat(500), JSON.stringify({ a: ['"'.repeat(90)] })]) {
    const plain = modelAgent({ model: modelOf(server), prompt: (given: string) => `Judge this: ${given}` });
    work = () => ({ outputTokens: 60 });
    const { rows } = await attempt(plain, text);
    expect(plain.estimate?.(text)).toMatchObject({ calls: 1, outputTokens: 4_096 });
    expect(plain.estimate?.(text).tokens).toBeGreaterThanOrEqual(tokensOf(rows));
    const loop = modelAgent({
      model: modelOf(server),
      prompt: (given: string) => given,
      tools,
      maxSteps: 3,
      maxOutputTokens: 100,
    });
    work = ({ body }) =>
      body.split('done').length > 2
        ? { text: 'ok' }
        : { toolCalls: [{ name: 'noop', input: {} }], outputTokens: 100 };
    const looped = await attempt(loop, text);
    expect(looped.rows).toMatchObject([{ calls: 3 }]);
    expect(loop.estimate?.(text)).toMatchObject({ calls: 3, outputTokens: 300 });
    expect(loop.estimate?.(text).tokens).toBeGreaterThanOrEqual(tokensOf(looped.rows));
  }
});

it('a limit behind a fallback has its own model, and its own price', async () => {
  const models = { 'gpt-east': modelOf(server, 'east'), 'gpt-west': modelOf(server, 'west') };
  const agent = modelAgent({
    model: (limit) => models[limit === 'gpt-west' ? 'gpt-west' : 'gpt-east'],
    prompt: (text: string) => text,
  });
  expect(agent.model).toBe('east');
  const { rows } = await attempt(agent, '?', { limit: 'gpt-west' });
  expect([rows[0]?.model, bodies()[0].model]).toEqual(['west', 'west']);
});

it('streams what it is told to, and nothing at all', async () => {
  const base = { model: modelOf(server), prompt: (text: string) => text };
  expect((await attempt(modelAgent({ ...base, stream: false }), '?')).streamed).toEqual([]);
  const ends = modelAgent({
    ...base,
    stream: (part) => (part.type === 'finish' ? { end: part.finishReason } : undefined),
  });
  expect((await attempt(ends, '?')).streamed).toEqual([{ end: 'stop' }]);
  // It streams over there in any case: only a stream's abort stops the bill.
  expect(bodies().map(({ stream }) => stream)).toEqual([true, true]);
});

it('a prompt that throws costs nothing', async () => {
  const agent = modelAgent({
    model: modelOf(server),
    prompt: (): string => {
      throw new Error('no template');
    },
  });
  const { error, rows } = await attempt(agent, null);
  expect(error).toMatchObject({ code: 'TASK_FAILED', message: 'no template' });
  expect(tokensOf(rows)).toBe(0);
});

it('finds a repeated part of a prompt wherever it stands', () => {
  const text = fc.string({ minLength: 40, maxLength: 80, unit: 'grapheme-ascii' });
  fc.assert(
    fc.property(text, fc.string({ maxLength: 60 }), fc.nat(40), (prompt, around, from) => {
      const part = prompt.slice(from, from + 36);
      fc.pre(part.replaceAll(/\s+/g, ' ').trim().length === 36);
      expect(repeats(`${around}${part}${around}`, [{ role: 'user', content: prompt }])).toBe(true);
    }),
    { numRuns: 100 },
  );
});

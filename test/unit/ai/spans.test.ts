// What a trace has of a model agent: each call of its model with what it used, each tool, and why one failed.
import { SpanKind } from '@opentelemetry/api';
import { tool } from 'ai';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import { modelAgent } from '../../../src/ai/model-agent.ts';
import { type Asked, type ModelServer, startModelServer, type Work } from '../../kit/model/server.ts';
import { startRecording, stopRecording } from '../../kit/spans.ts';
import { attempt, modelOf } from './kit.ts';

let exporter: ReturnType<typeof startRecording>;
let server: ModelServer;
let work: (asked: Asked) => Work = () => ({});

beforeAll(async () => {
  exporter = startRecording();
  server = await startModelServer({ work: (asked) => work(asked) });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  stopRecording();
});
beforeEach(() => exporter.reset());

const spans = () =>
  exporter
    .getFinishedSpans()
    .map(({ name, kind, attributes, status }) => ({ name, kind, attributes, status }));

it('has each call with its tokens, and each tool', async () => {
  let asked = 0;
  work = () =>
    asked++ === 0
      ? { toolCalls: [{ name: 'weather', input: { city: 'Ulm' } }] }
      : { text: 'rain', outputTokens: 4 };
  const weather = tool({ inputSchema: z.object({ city: z.string() }), execute: () => 'rain' });
  const agent = modelAgent({ model: modelOf(server), prompt: (text: string) => text, tools: { weather } });
  const { output, rows } = await attempt(agent, 'how is it?');
  expect(output).toBe('rain');
  const all = spans();
  expect(all.map(({ name, kind }) => [name, kind])).toEqual([
    ['chat m', SpanKind.CLIENT],
    ['execute_tool weather', SpanKind.INTERNAL],
    ['chat m', SpanKind.CLIENT],
  ]);
  expect(all[1]?.attributes).toMatchObject({
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': 'weather',
  });
  expect(all[2]?.attributes).toMatchObject({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'kit',
    'gen_ai.request.model': 'm',
    'gen_ai.request.max_tokens': 4_096,
    'gen_ai.response.finish_reasons': ['stop'],
  });
  const sum = (name: string): number =>
    all.reduce((total, { attributes }) => total + Number(attributes[name] ?? 0), 0);
  expect(sum('gen_ai.usage.input_tokens')).toBe(rows[0]?.inputTokens);
  expect(sum('gen_ai.usage.output_tokens')).toBe(rows[0]?.outputTokens);
});

it('has a call that failed in red, with what it means', async () => {
  work = () => ({ text: 'half an ans', cutsAfter: 1 });
  const agent = modelAgent({ model: modelOf(server), prompt: (text: string) => text });
  const { error } = await attempt(agent, 'go on');
  const [call] = spans();
  expect(call).toMatchObject({
    name: 'chat m',
    attributes: { 'error.type': error?.code },
    status: { code: 2 },
  });
});

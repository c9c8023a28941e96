// Planners and critic with a model: a local server that speaks as OpenAI-compatible endpoints do.
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { critic } from '../../../../examples/repo-review/agents/critic.ts';
import { planByRisk } from '../../../../examples/repo-review/agents/plan-by-risk.ts';
import { readUsage } from '../../../../examples/repo-review/lib/usage.ts';
import type { CriticAnswer, Finding, Offer, Plan } from '../../../../examples/repo-review/protocol.ts';
import { agentContext, collectInto, temporaryFolder } from './kit.ts';

const FINDINGS: Finding[] = [
  { file: 'a.ts', line: 1, agent: 'secrets', rule: 'eval', severity: 'high', message: 'eval' },
  { file: 'b.ts', line: 2, agent: 'secrets', rule: 'eval', severity: 'medium', message: 'eval' },
];
const ITEM = {
  title: 'No eval',
  rules: ['eval'],
  files: ['a.ts', 'b.ts', 'invented.ts'],
  effort: 'S',
  why: 'risk',
};

interface Asked {
  readonly url: string | undefined;
  readonly authorization: string | undefined;
  readonly body: { model: string; response_format: unknown; messages: { role: string; content: string }[] };
}

type Answer = { readonly status?: number; readonly content?: string; readonly raw?: string };

/** Answers in turn, the last one for ever; what it was asked is kept. */
async function model(...answers: Answer[]): Promise<Asked[]> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    void textOf(request).then((text) => {
      const { url, headers } = request;
      asked.push({ url, authorization: headers.authorization, body: JSON.parse(text) as Asked['body'] });
      const { status = 200, content = '', raw } = answers[Math.min(asked.length, answers.length) - 1] ?? {};
      response.writeHead(status, {
        'content-type': raw === undefined ? 'text/event-stream' : 'application/json',
      });
      response.end(raw ?? eventsOf(content));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  vi.stubEnv('OPENAI_BASE_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/`);
  return asked;
}

/** As endpoints stream it: the content, the reason why it ends, what it used. */
function eventsOf(content: string): string {
  const usage = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 };
  const chunks = [
    { choices: [{ index: 0, delta: { role: 'assistant', content } }] },
    { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
    { choices: [], usage },
  ];
  return `${chunks.map((chunk) => `data: ${JSON.stringify({ id: 'c', created: 0, model: 'm', ...chunk })}\n\n`).join('')}data: [DONE]\n\n`;
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

async function run(): Promise<string> {
  const runFolder = await temporaryFolder();
  await collectInto(runFolder, FINDINGS);
  return runFolder;
}

beforeEach(() => {
  vi.stubEnv('OPENAI_API_KEY', '');
  vi.stubEnv('OPENAI_MODEL', 'test-model');
  return () => vi.unstubAllEnvs();
});

const plan = (runFolder: string, attempt = 1) =>
  planByRisk({ item: { request: { runFolder }, round: 1 } }, agentContext({ key: 'p', attempt }));

describe('a planner with a model', () => {
  test('asks for JSON, keeps what exists and counts itself', async () => {
    const asked = await model({ content: JSON.stringify({ items: [ITEM] }) });
    vi.stubEnv('OPENAI_API_KEY', 'k-1');
    const runFolder = await run();
    const offer = (await plan(runFolder)) as unknown as Offer;
    expect(offer).toMatchObject({
      items: 1,
      plan: { items: [{ files: ['a.ts', 'b.ts'], findings: 2, severity: 'high' }] },
    });
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({ url: '/v1/chat/completions', authorization: 'Bearer k-1' });
    expect(asked[0]?.body).toMatchObject({
      model: 'test-model',
      response_format: { type: 'json_schema' },
      stream: true,
    });
    expect(await readUsage(runFolder)).toEqual({
      repeated: 0,
      modelCalls: 1,
      promptTokens: 100,
      completionTokens: 20,
    });
  });

  test('is told what was objected to, and needs no key', async () => {
    const asked = await model({ content: `\`\`\`json\n${JSON.stringify({ items: [ITEM] })}\n\`\`\`` });
    const runFolder = await run();
    const objections = [{ code: 'SCATTERED', text: 'group the evals' }] as const;
    const item = { request: { runFolder }, round: 2, feedback: { objections, heeded: [] } };
    const offer = (await planByRisk({ item }, agentContext())) as unknown as Offer;
    expect(offer.heeded).toEqual(['SCATTERED']);
    expect(asked[0]?.authorization).toBeUndefined();
    expect(asked[0]?.body.messages.at(-1)?.content).toContain('group the evals');
  });

  test.each([
    ['a limit', { status: 429, raw: '{}' }, 'MODEL_REFUSED', { failure: { kind: 'throttled' } }],
    ['a server error', { status: 503, raw: 'down' }, 'MODEL_REFUSED', { failure: { kind: 'overloaded' } }],
    [
      'a wrong key',
      { status: 401, raw: '{"error":"no"}' },
      'MODEL_REFUSED',
      { failure: { kind: 'account' } },
    ],
    ['no JSON', { content: 'Sure! Here is a plan.' }, 'MODEL_OUTPUT_INVALID', {}],
    ['JSON of another shape', { content: '{"items":"none"}' }, 'MODEL_OUTPUT_INVALID', {}],
    [
      'a plan that covers nothing',
      { content: JSON.stringify({ items: [{ ...ITEM, files: ['x'] }] }) },
      'MODEL_REPLY_INVALID',
      { retryable: true },
    ],
    ['no completion', { raw: '{"choices":[]}' }, 'MODEL_CUT', {}],
  ])('%s is a coded failure', async (_, answer, code, more) => {
    await model(answer);
    await expect(plan(await run())).rejects.toMatchObject({ code, ...more });
  });

  test('streams what the model says to those who read along', async () => {
    const content = JSON.stringify({ items: [ITEM] });
    await model({ content });
    const pieces: unknown[] = [];
    const context = agentContext({ stream: (piece) => pieces.push(piece) });
    await planByRisk({ item: { request: { runFolder: await run() }, round: 1 } }, context);
    expect(pieces.join('')).toBe(content);
  });

  test('an address that is none is refused before anything is asked', async () => {
    vi.stubEnv('OPENAI_BASE_URL', 'localhost:11434');
    await expect(plan(await run())).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringContaining('OPENAI_BASE_URL'),
    });
  });

  test('nobody there is a coded failure', async () => {
    const gone = createServer();
    await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
    vi.stubEnv('OPENAI_BASE_URL', `http://127.0.0.1:${(gone.address() as AddressInfo).port}/v1`);
    await new Promise((resolve) => gone.close(resolve));
    await expect(plan(await run())).rejects.toMatchObject({
      code: 'MODEL_REFUSED',
      failure: { kind: 'transient' },
    });
  });

  test('a call that was answered is counted though its attempt failed, and so is the repetition', async () => {
    await model({ content: 'not yet' }, { content: JSON.stringify({ items: [ITEM] }) });
    const runFolder = await run();
    await expect(plan(runFolder)).rejects.toMatchObject({ code: 'MODEL_OUTPUT_INVALID' });
    await plan(runFolder, 2);
    expect(await readUsage(runFolder)).toEqual({
      repeated: 1,
      modelCalls: 2,
      promptTokens: 200,
      completionTokens: 40,
    });
  });
});

describe('a critic with a model', () => {
  const offerOf = (title: string): Offer => ({
    plan: {
      planner: title,
      items: [{ ...ITEM, rank: 1, title, findings: 2, severity: 'high', effort: 'S' }],
    } satisfies Plan,
    items: 1,
    heeded: ['SCATTERED'],
  });

  test('scores each offer and chooses the best', async () => {
    const answer = (score: number, text: string): Answer => ({
      content: JSON.stringify({ score, feedback: [{ code: 'UNHEARD_OF', text }] }),
    });
    const asked = await model(answer(0.4, 'too coarse'), answer(0.7, 'better'));
    const runFolder = await run();
    const offers = [offerOf('one'), offerOf('two')].map((offer, index) => ({ proposer: `p${index}`, offer }));
    const judged = (await critic(
      { request: { runFolder }, round: 1, offers },
      agentContext(),
    )) as unknown as CriticAnswer;
    expect(judged).toEqual({
      choice: 1,
      score: 0.7,
      feedback: {
        objections: [
          { code: 'OTHER', text: 'too coarse' },
          { code: 'OTHER', text: 'better' },
        ],
        heeded: ['SCATTERED'],
      },
    });
    expect(asked).toHaveLength(2);
  });

  test('a score beyond its range is a coded failure', async () => {
    await model({ content: '{"score":7,"feedback":[]}' });
    const runFolder = await run();
    const offers = [{ proposer: 'p', offer: offerOf('one') }];
    const judged = critic({ request: { runFolder }, round: 1, offers }, agentContext());
    await expect(judged).rejects.toMatchObject({ code: 'MODEL_OUTPUT_INVALID' });
  });
});

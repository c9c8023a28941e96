// The research back end against a provider that refuses, hangs and cuts: a report comes of it, what it cost is known, and a publication
// that fails leaves nothing behind.
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Research } from '../../../examples/research/research.machine.ts';
import type { QuorateClient } from '../../../src/contract/client.ts';
import type { QuorateConfig } from '../../../src/contract/config.ts';
import { type Asked, type ModelServer, startModelServer, type Work } from '../../kit/model/server.ts';
import { startRuntime, type TestRuntime } from '../../kit/runtime.ts';

const SOON = { timeout: 60_000 };
/** Whose publication fails at its last step. */
const BROKEN = 'what breaks';
const QUESTIONS = Array.from({ length: 30 }, (_, at) => `What is known of matter ${at}?`);
const FUNDS = { tokens: 60_000, usd: 1, onExhausted: 'fail' } as const;

let library: string;
let model: ModelServer;
let test: TestRuntime<QuorateConfig>;
let client: QuorateClient;

/** By what comes first of all calls: the rest of them answer. */
function work({ nth, body }: Asked): Work {
  if (body.includes('You are the editor'))
    return { text: JSON.stringify({ choice: 1, score: 0.9, feedback: 'Shorter.' }), ms: 20 };
  if (nth === 4) return { hangs: true };
  if (nth === 7) return { hangsAfter: 2, outputTokens: 20 };
  if (nth === 10) return { cutsAfter: 3, outputTokens: 20 };
  if (nth === 13) return { drops: true };
  return { outputTokens: 20, ms: 20 };
}

beforeAll(async () => {
  library = await mkdtemp(join(tmpdir(), 'quorate-research-'));
  const refusal = { status: 429, headers: { 'retry-after-ms': '50' } };
  model = await startModelServer({ work, fail: (_path, before) => (before % 9 === 5 ? refusal : undefined) });
  process.env['RESEARCH_MODEL_URL'] = model.url;
  process.env['RESEARCH_LIBRARY'] = library;
  process.env['RESEARCH_SILENCE_MS'] = '1500';
  const { config } = await import('../../../examples/research/quorate.config.ts');
  const announce = {
    run: ({ input: { topic } }: { readonly input: { readonly topic: string } }) => {
      if (topic === BROKEN) throw new Error('nobody listens');
      return null;
    },
    retry: { attempts: 1 },
  };
  test = await startRuntime<QuorateConfig>({ ...config, agents: { ...config.agents, announce } });
  ({ client } = test.runtime);
});
afterAll(async () => {
  await test?.[Symbol.asyncDispose]();
  await model?.[Symbol.asyncDispose]();
  await rm(library, { recursive: true, force: true });
});

async function research(id: string, input: Research): Promise<unknown> {
  await client.start('research', { id, input: input as never, budget: FUNDS });
  await expect
    .poll(async () => (await client.asks({ type: 'research' })).open.map(({ actor }) => actor.id), SOON)
    .toEqual([id]);
  await client.answer(`research/${id}`, 'publish', { by: 'ann' });
  return client.result('research', id);
}

it('publishes a report of what enough questions came to, and knows what it cost', async () => {
  const topic = 'what is known';
  const output = (await research('r1', { topic, questions: QUESTIONS })) as {
    report: string;
    findings: number;
  };
  expect(output.findings).toBeGreaterThanOrEqual(20);
  const published = join(library, encodeURIComponent(topic), 'report.md');
  expect(await readFile(published, 'utf8')).toBe(output.report);
  expect(await readFile(join(library, 'index'), 'utf8')).toBe(`${topic}\n`);

  expect(model.count(429)).toBeGreaterThan(0);
  // What was cut off when there were enough answers is booked a little later.
  const reportedOf = async (): Promise<number> => {
    const { total } = await client.costs('research', 'r1');
    return total.inputTokens + total.outputTokens;
  };
  const billed = model.billedTokens();
  await expect.poll(reportedOf, SOON).toBeGreaterThanOrEqual(billed);
  const [{ estimated }, reported] = [await client.costs('research', 'r1'), await reportedOf()];
  expect(reported - estimated.inputTokens - estimated.outputTokens).toBeLessThanOrEqual(billed);
  expect(estimated.calls).toBeGreaterThan(0);
  expect(reported).toBeLessThanOrEqual(FUNDS.tokens);
});

it('leaves nothing of a publication that fails half way', async () => {
  await research('r2', { topic: BROKEN, questions: QUESTIONS.slice(0, 3) });
  expect((await client.query('research', 'r2')).value).toBe('failed');
  expect(await readFile(join(library, 'index'), 'utf8')).not.toContain(BROKEN);
  await expect(stat(join(library, encodeURIComponent(BROKEN)))).rejects.toThrow('ENOENT');
});

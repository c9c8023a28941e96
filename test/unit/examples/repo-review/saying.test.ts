// What the model says in the terminal, and what a review has cost in a line.
import { expect, it } from 'vitest';
import { costOfReview, describeCosts } from '../../../../examples/repo-review/client/costs.ts';
import { createLines, showSaying } from '../../../../examples/repo-review/client/saying.ts';
import { priceFrom } from '../../../../examples/repo-review/lib/model.ts';
import type { StreamItem } from '../../../../src/contract/stream.ts';
import { type CostRow, toCosts } from '../../../../src/contract/usage.ts';

const source = { attempt: 1, offset: 'o', actor: 'review.planning/r' };
const piece = (child: string, value: string, branch?: number): StreamItem => ({
  ...source,
  kind: 'piece',
  child,
  n: 0,
  value,
  ...(branch === undefined ? {} : { branch }),
});

it('is cut into lines while it comes, each with whose it is, and what an attempt began is told apart', () => {
  const written: string[] = [];
  const lines = createLines((name, text) => written.push(`${name}: ${text}`));
  lines.take(piece('offers', 'a short', 0));
  lines.take(piece('offers', 'x'.repeat(100), 1));
  expect(written).toEqual([`planByEffort: ${'x'.repeat(88)}`]);
  lines.take(piece('offers', ` beginning\n\u001B[2J and ${'word '.repeat(20)}`, 0));
  expect(written.slice(1)).toEqual([`planByRisk: a short beginning [2J and ${'word '.repeat(11)}word`]);
  lines.take({ ...source, kind: 'restarted', child: 'offers', branch: 0, attempt: 2 });
  expect(written.slice(2)).toEqual([
    `planByRisk: ${'word '.repeat(8).trim()}`,
    'planByRisk: (once more, attempt 2)',
  ]);
  lines.take(piece('critique', 'good'));
  lines.take({ ...source, kind: 'ended', child: 'critique' });
  expect(written.at(-1)).toBe('critic: good');
  lines.take({ ...source, kind: 'gap', child: 'critique', n: 3, count: 2 });
  expect(written.at(-1)).toBe('critic: (2 pieces were not stored)');
  lines.end();
  expect(written.at(-1)).toBe(`planByEffort: ${'x'.repeat(12)}`);
});

it('is read with what the review has started, and ends with its signal', async () => {
  const written: string[] = [];
  const ended = new AbortController();
  const asked: unknown[] = [];
  const stream = async function* (...call: unknown[]): AsyncGenerator<StreamItem, void> {
    asked.push(call);
    yield piece('critique', 'fine');
    ended.abort();
    throw ended.signal.reason;
  };
  await showSaying(
    { stream: stream as never },
    'r',
    { line: (text) => void written.push(text) },
    ended.signal,
  );
  expect(written).toEqual(['  critic       │ fine']);
  expect(asked).toEqual([['review', 'r', { children: true, signal: ended.signal }]]);
});

const row: CostRow = {
  agent: 'critic',
  model: 'm',
  calls: 2,
  inputTokens: 300,
  outputTokens: 40,
  cachedInputTokens: 0,
  reasoningTokens: 0,
  microUsd: 1_150,
  unpricedCalls: 0,
};

it('costs what its models used, with a price where one is known', async () => {
  expect(describeCosts(toCosts([row], true))).toBe('2 calls, 300 tokens in, 40 out, $0.001150');
  const unpriced = { ...row, calls: 1, microUsd: 0, unpricedCalls: 1 };
  expect(describeCosts(toCosts([unpriced], true))).toBe('1 call, 300 tokens in, 40 out');
  const partly = { ...row, unpricedCalls: 1, estimated: { ...row, calls: 1 } };
  expect(describeCosts(toCosts([partly], true))).toBe(
    '2 calls, 300 tokens in, 40 out, > $0.001150, 1 of the calls estimated',
  );
  const none = { costs: async () => toCosts([], true) };
  expect(await costOfReview(none as never, 'r')).toEqual([]);
  const silent = { costs: () => Promise.reject(new Error('nobody answers')) };
  expect(await costOfReview(silent, 'r')).toEqual([['cost', 'not known: nobody answers']]);
});

it('has the price of OPENAI_PRICE, of a day, and refuses what is none', () => {
  const model = { OPENAI_BASE_URL: 'http://127.0.0.1:1/v1', OPENAI_MODEL: 'm' };
  expect(priceFrom({ ...model, OPENAI_PRICE: '2.50/10 2026-11-30' })).toEqual({
    m: { inputPerMillion: 2.5, outputPerMillion: 10, at: '2026-11-30' },
  });
  expect(priceFrom({ ...model, OPENAI_PRICE: '1/2' })['m']?.at).toMatch(/^\d{4}-\d\d-\d\d$/);
  expect(priceFrom({ ...model, OPENAI_PRICE: '' })).toEqual({});
  expect(priceFrom({ OPENAI_PRICE: '1/2' })).toEqual({});
  expect(() => priceFrom({ ...model, OPENAI_PRICE: 'cheap' })).toThrow('OPENAI_PRICE');
});

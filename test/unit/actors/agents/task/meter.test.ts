import { describe, expect, it } from 'vitest';
import { createMeter, type Meter } from '../../../../../src/actors/agents/task/meter.ts';
import type { Attempt } from '../../../../../src/actors/agents/task/task.ts';
import { estimateOf, tokensOfFirst } from '../../../../../src/actors/protocol/estimates.ts';
import { SILENT } from '../../../../../src/contract/ports.ts';
import { type CostRow, type Estimate, NO_AMOUNT, type Usage } from '../../../../../src/contract/usage.ts';

const PRICES = {
  m: { inputPerMillion: 1, outputPerMillion: 10, cachedInputPerMillion: 0.1, at: '2026-11-01' },
};
const DONE: Attempt = { kind: 'done', output: null };
const failed = (failure: object | undefined): Attempt => ({
  kind: 'failed',
  error: {
    code: 'TASK_FAILED',
    message: 'no',
    ...(failure === undefined ? {} : { data: { failure } as never }),
  },
});

function setUp(model: string | undefined = 'm') {
  const late: { rows: readonly CostRow[]; step: number }[] = [];
  const warnings: string[] = [];
  const meter = createMeter({
    agent: 'a',
    model,
    prices: () => PRICES,
    logger: { ...SILENT, warn: (line) => void warnings.push(line) },
    onLate: (rows, step) => void late.push({ rows, step }),
  });
  return { meter, late, warnings };
}

const close = (meter: Meter, attempt: Attempt = DONE, estimate?: Estimate): readonly CostRow[] =>
  meter.close(() => estimate, attempt);

describe('what is said', () => {
  it('adds up by model, and is priced', () => {
    const { meter } = setUp();
    meter.usage({ inputTokens: 1_000, cachedInputTokens: 400, outputTokens: 100 });
    meter.usage({ inputTokens: 1_000, outputTokens: 50, reasoningTokens: 20, calls: 2 });
    meter.usage({ model: 'other', inputTokens: 5 });
    meter.usage({ model: 'paid', usd: 0.25, outputTokens: 7 });
    expect(close(meter)).toEqual([
      {
        ...NO_AMOUNT,
        agent: 'a',
        model: 'm',
        inputTokens: 2_000,
        cachedInputTokens: 400,
        outputTokens: 150,
        reasoningTokens: 20,
        calls: 3,
        // 1,600 of 1 USD, 400 of 0.1 and 150 of 10 for a million.
        microUsd: 1_600 + 40 + 1_500,
      },
      { ...NO_AMOUNT, agent: 'a', model: 'other', inputTokens: 5, calls: 1, unpricedCalls: 1 },
      { ...NO_AMOUNT, agent: 'a', model: 'paid', outputTokens: 7, calls: 1, microUsd: 250_000 },
    ]);
  });

  it.each<{ of: string; usage: unknown }>([
    { of: 'a negative number', usage: { inputTokens: -1 } },
    { of: 'no number', usage: { inputTokens: Number.NaN } },
    { of: 'a fraction of a token', usage: { outputTokens: 0.5 } },
    { of: 'infinity', usage: { usd: Number.POSITIVE_INFINITY } },
    { of: 'a text', usage: { inputTokens: '7' } },
    { of: 'nothing', usage: undefined },
  ])('of $of is left out with a warning, and fails nothing', ({ usage }) => {
    const { meter, warnings } = setUp();
    meter.usage(usage as Usage);
    expect(close(meter)).toEqual([]);
    expect(warnings).toHaveLength(1);
  });

  it('after the end is passed on by itself, under a number of its own', () => {
    const { meter, late } = setUp();
    meter.usage({ inputTokens: 1 });
    close(meter);
    meter.usage({ inputTokens: 2 });
    meter.usage({ inputTokens: 3 });
    expect(late.map(({ rows, step }) => [rows[0]?.inputTokens, step])).toEqual([
      [2, 1],
      [3, 2],
    ]);
  });

  it('of an agent without a price shows as unpriced, and never as free', () => {
    const { meter } = setUp('');
    meter.usage({ inputTokens: 1_000 });
    expect(close(meter)).toMatchObject([{ microUsd: 0, unpricedCalls: 1 }]);
  });
});

describe('what nobody measured', () => {
  const ESTIMATE: Estimate = { tokens: 1_000 };
  // At the dearer of both prices: 1,000 of 10 USD for a million.
  const ESTIMATED = { inputTokens: 1_000, calls: 1, microUsd: 10_000 };

  it.each<{ of: string; usage: Usage[]; attempt: Attempt; counts: boolean }>([
    { of: 'an answer without a word', usage: [], attempt: DONE, counts: true },
    {
      of: 'undefined tokens, as SDKs give them',
      usage: [{ inputTokens: undefined }],
      attempt: DONE,
      counts: true,
    },
    { of: 'a call that was only counted', usage: [{ calls: 1 }], attempt: DONE, counts: true },
    { of: 'an attempt that was told', usage: [], attempt: { kind: 'cancelled' }, counts: true },
    { of: 'an error of its own', usage: [], attempt: failed(undefined), counts: true },
    { of: 'a cut connection', usage: [], attempt: failed({ kind: 'unknown' }), counts: true },
    { of: 'a throttled call', usage: [], attempt: failed({ kind: 'throttled', status: 429 }), counts: false },
    { of: 'a refused input', usage: [], attempt: failed({ kind: 'permanent', status: 400 }), counts: false },
    { of: 'a refused connection', usage: [], attempt: failed({ kind: 'transient' }), counts: false },
  ])('counts as it was estimated after $of: $counts', ({ usage, attempt, counts }) => {
    const { meter } = setUp();
    for (const one of usage) meter.usage(one);
    const rows = close(meter, attempt, ESTIMATE);
    if (!counts) return expect(rows).toEqual([]);
    expect(rows).toMatchObject([{ ...ESTIMATED, estimated: ESTIMATED }]);
  });

  it('is nothing where something was said', () => {
    const { meter } = setUp();
    meter.usage({ inputTokens: 3 });
    expect(close(meter, failed(undefined), ESTIMATE)).toMatchObject([{ inputTokens: 3, calls: 1 }]);
  });

  it('counts as it was reserved, however the attempt ended; what was settled counts as it was used', async () => {
    const { meter } = setUp();
    const settled = await meter.reserve({ tokens: 500 });
    const undefinedUsage = await meter.reserve({ tokens: 60, usd: 0.5 });
    await meter.reserve({ tokens: 7, outputTokens: 7 });
    settled.settle({ inputTokens: 100, outputTokens: 10 });
    settled.settle({ inputTokens: 999 });
    undefinedUsage.settle({ inputTokens: undefined });
    const [row] = close(meter, failed({ kind: 'unknown' }), ESTIMATE);
    expect(row).toMatchObject({
      inputTokens: 160,
      outputTokens: 17,
      calls: 3,
      estimated: { inputTokens: 60, outputTokens: 7, calls: 2, microUsd: 500_070 },
    });
    undefinedUsage.settle({ inputTokens: 1 });
    expect(close(meter)).toEqual([]);
  });

  it('of a call that was refused is not counted, and those before it are', async () => {
    const { meter } = setUp();
    await meter.reserve({ tokens: 10 });
    await meter.reserve({ tokens: 999 });
    const rows = close(meter, failed({ kind: 'throttled', status: 429 }), ESTIMATE);
    expect(rows).toMatchObject([{ inputTokens: 10, calls: 1 }]);
  });

  it('of a call that was settled without a number is counted, whatever the attempt ends with behind it', async () => {
    const { meter } = setUp();
    const made = await meter.reserve({ tokens: 70 });
    await meter.reserve({ tokens: 90 });
    made.settle({});
    // The one that was refused is the one that nobody settled.
    const rows = close(meter, failed({ kind: 'overloaded', status: 503 }));
    expect(rows).toMatchObject([{ inputTokens: 70, calls: 1, estimated: { inputTokens: 70 } }]);
  });

  it('of several calls is priced as their sum, and a limit lets the first one through with its share', () => {
    const estimate = { tokens: 90, outputTokens: 30, calls: 3 };
    expect(close(setUp().meter, failed(undefined), estimate)).toMatchObject([
      { inputTokens: 60, outputTokens: 30, calls: 3, microUsd: 360 },
    ]);
    expect(tokensOfFirst(estimate)).toBe(30);
    expect(tokensOfFirst({ tokens: 90 })).toBe(90);
    expect(tokensOfFirst({ usd: 1, calls: 3 })).toBeUndefined();
  });

  it('of an agent that only names its model is estimated by its input, and of one that names nothing is nothing', () => {
    expect(estimateOf({ model: 'm' }, 'x'.repeat(298), 'a', SILENT)).toEqual({
      tokens: 100 + 4_096,
      outputTokens: 4_096,
      model: 'm',
    });
    expect(estimateOf({}, 'x', 'a', SILENT)).toBeUndefined();
    const { meter } = setUp();
    meter.usage({ calls: 0, inputTokens: 0 });
    expect(close(meter, DONE, ESTIMATE)).toMatchObject([
      { inputTokens: 0, calls: 0, microUsd: 0, unpricedCalls: 0 },
    ]);
  });

  it.each<{ of: string; estimate: () => unknown }>([
    {
      of: 'throws',
      estimate: () => {
        throw new Error('no');
      },
    },
    { of: 'gives no number', estimate: () => ({ tokens: 'many' }) },
  ])('an estimate that $of is left out with a warning', ({ estimate }) => {
    const warnings: string[] = [];
    const logger = { ...SILENT, warn: (line: string) => void warnings.push(line) };
    expect(estimateOf({ estimate: estimate as never }, null, 'a', logger)).toBeUndefined();
    expect(warnings).toHaveLength(1);
  });
});

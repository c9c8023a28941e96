import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addAmounts,
  addRows,
  amountOf,
  asWasted,
  type CostRow,
  MAX_ROWS,
  NO_AMOUNT,
  OTHERS,
  type Price,
  priceOf,
  toCosts,
  toMicroUsd,
} from '../../../src/contract/usage.ts';

const count = fc.nat({ max: 1_000_000_000 });
const amount = fc.record({
  inputTokens: count,
  outputTokens: count,
  cachedInputTokens: count,
  reasoningTokens: count,
  calls: count,
  microUsd: count,
  unpricedCalls: count,
});
const row = fc.record({
  agent: fc.constantFrom('a', 'b'),
  model: fc.constantFrom('', 'm', 'n'),
  amount,
  isWasted: fc.boolean(),
  isEstimated: fc.boolean(),
});
const rows = fc.array(row, { maxLength: 8 }).map((some) =>
  some.map(
    ({ agent, model, amount: own, isWasted, isEstimated }): CostRow => ({
      agent,
      model,
      ...own,
      ...(isWasted ? { wasted: own } : {}),
      ...(isEstimated ? { estimated: own } : {}),
    }),
  ),
);
/** In millionths of a USD for a million tokens, as a price is written. */
const micros = fc.nat({ max: 100_000_000 });
const price = fc.record({ input: micros, output: micros, cached: fc.option(micros) }).map(
  ({ input, output, cached }): Price => ({
    inputPerMillion: input / 1_000_000,
    outputPerMillion: output / 1_000_000,
    ...(cached === null ? {} : { cachedInputPerMillion: cached / 1_000_000 }),
    at: '2026-11-01',
  }),
);

describe('sums', () => {
  it('are the same whatever is added first, and lose nothing', () => {
    fc.assert(
      fc.property(rows, rows, rows, (a, b, c) => {
        const left = toCosts(addRows(addRows(a, b), c), true);
        const right = toCosts(addRows(a, addRows(b, c)), true);
        const plain = [...a, ...b, ...c].reduce((sum, one) => addAmounts(sum, amountOf(one)), NO_AMOUNT);
        expect(left.total).toEqual(plain);
        for (const sum of ['total', 'wasted', 'estimated'] as const) expect(left[sum]).toEqual(right[sum]);
      }),
      { numRuns: 50 },
    );
  });

  it('keep a bound of rows: what is beyond it is one row, and no token is lost', () => {
    const many = Array.from(
      { length: 200 },
      (_, at): CostRow => ({ agent: 'a', model: `m${at}`, ...NO_AMOUNT, inputTokens: at, calls: 1 }),
    );
    const kept = addRows([], many);
    expect(kept).toHaveLength(MAX_ROWS);
    expect(kept.at(-1)).toMatchObject({ agent: OTHERS, model: OTHERS, calls: 200 - MAX_ROWS + 1 });
    expect(toCosts(kept, true).total).toMatchObject({ inputTokens: (199 * 200) / 2, calls: 200 });
    expect(addRows(kept, many)).toHaveLength(MAX_ROWS);
  });

  it('stop at the largest exact integer', () => {
    const most = { ...NO_AMOUNT, microUsd: Number.MAX_SAFE_INTEGER };
    expect(addAmounts(most, most).microUsd).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('know what of them was wasted', () => {
    const used = [{ agent: 'a', model: 'm', ...NO_AMOUNT, inputTokens: 5 }];
    expect(asWasted(used)).toEqual([{ ...used[0], wasted: { ...NO_AMOUNT, inputTokens: 5 } }]);
  });
});

describe('a price', () => {
  it('is exact, and rounded up once', () => {
    fc.assert(
      fc.property(amount, price, (tokens, one) => {
        const perMillion = (usd: number): bigint => BigInt(Math.round(usd * 1_000_000));
        const cached = Math.min(tokens.cachedInputTokens, tokens.inputTokens);
        const exact =
          BigInt(tokens.inputTokens - cached) * perMillion(one.inputPerMillion) +
          BigInt(cached) * perMillion(one.cachedInputPerMillion ?? one.inputPerMillion) +
          BigInt(tokens.outputTokens) * perMillion(one.outputPerMillion);
        const micro = BigInt(priceOf(tokens, one)) * 1_000_000n;
        expect(micro >= exact && micro < exact + 1_000_000n).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it('of many calls together differs from that of each by less than a micro-USD a call', () => {
    fc.assert(
      fc.property(fc.array(amount, { minLength: 1, maxLength: 20 }), price, (calls, one) => {
        const input = calls.map((call) => ({ ...call, cachedInputTokens: 0 }));
        const together = priceOf(input.reduce(addAmounts, NO_AMOUNT), one);
        const apart = input.reduce((sum, call) => sum + priceOf(call, one), 0);
        expect(together <= apart && apart < together + calls.length).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    { usd: 0, micro: 0 },
    { usd: 0.1, micro: 100_000 },
    { usd: 0.000_000_1, micro: 1 },
    { usd: 1.1, micro: 1_100_000 },
    { usd: 0.29, micro: 290_000 },
  ])('that is known in USD is $micro micro-USD for $usd', ({ usd, micro }) => {
    expect(toMicroUsd(usd)).toBe(micro);
  });
});

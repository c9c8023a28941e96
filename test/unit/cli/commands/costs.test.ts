import { expect, it } from 'vitest';
import { describeCosts } from '../../../../src/cli/commands/costs.ts';
import { NO_AMOUNT, toCosts } from '../../../../src/contract/usage.ts';

const amount = { ...NO_AMOUNT, inputTokens: 1_200, outputTokens: 30, calls: 2, microUsd: 1_250_001 };

it('shows a row for each agent and model, the sums below, and whether that is all', () => {
  const rows = [
    { agent: 'researcher', model: 'm', ...amount, wasted: { ...amount, calls: 1, microUsd: 7 } },
    { agent: 'tool', model: '', ...NO_AMOUNT, calls: 1, unpricedCalls: 1 },
  ];
  expect(describeCosts('review/r1', toCosts(rows, false))).toEqual([
    'agent            model  calls  input  cached  output  reasoning         usd',
    'researcher       m          2   1200       0      30          0    1.250001',
    'tool             -          1      0       0       0          0    unpriced',
    'total                       3   1200       0      30          0  > 1.250001',
    'of it wasted                1   1200       0      30          0    0.000007',
    'of it estimated             0      0       0       0          0    0.000000',
    '1 calls have no price: what they cost is not in the sums',
    'not final: something of it may still run',
  ]);
});

it('says so where nothing was reported', () => {
  expect(describeCosts('review/r1', toCosts([], true))).toEqual(['review/r1: nothing was reported (final)']);
});

it('shows apart what was saved, and no row for what used nothing', () => {
  const rows = [
    { agent: 'researcher', model: 'm', ...amount, saved: { ...amount, calls: 7 } },
    { agent: 'writer', model: 'm', ...NO_AMOUNT, saved: { ...NO_AMOUNT, calls: 2, microUsd: 5 } },
  ];
  expect(describeCosts('review/r1', toCosts(rows, true))).toEqual([
    'agent            model  calls  input  cached  output  reasoning       usd',
    'researcher       m          2   1200       0      30          0  1.250001',
    'total                       2   1200       0      30          0  1.250001',
    'of it wasted                0      0       0       0          0  0.000000',
    'of it estimated             0      0       0       0          0  0.000000',
    'saved                       9   1200       0      30          0  1.250006',
    'final',
  ]);
});

import { expect, it } from 'vitest';
import { describePrices } from '../../../../src/cli/commands/prices.ts';

it('shows what models cost, of which day, and with which revision', () => {
  const price = { inputPerMillion: 1.25, outputPerMillion: 10, at: '2026-11-01', revision: 0 };
  expect(
    describePrices({
      'gpt-5': { ...price, cachedInputPerMillion: 0.125 },
      small: { ...price, revision: 12 },
    }),
  ).toEqual([
    'model  input  cached  output  of          revision',
    'gpt-5   1.25   0.125      10  2026-11-01         0',
    'small   1.25    1.25      10  2026-11-01        12',
  ]);
  expect(describePrices({})).toEqual([expect.stringContaining('no process')]);
});

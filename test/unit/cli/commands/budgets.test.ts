import { expect, it } from 'vitest';
import { describeDay } from '../../../../src/cli/commands/budgets.ts';

const day = { day: '2026-11-30', drawnUsd: 12.5, drawnTokens: 300, waiting: 0, revision: 0 };

it.each([
  [{ ...day, usdPerDay: 50 }, 'acme: 12.5 of 50 USD drawn on 2026-11-30 (revision 0)'],
  [
    { ...day, usdPerDay: 50, tokensPerDay: 300, waiting: 1, revision: 2 },
    'acme: 12.5 of 50 USD and 300 of 300 tokens drawn on 2026-11-30, 1 run waits for more (revision 2)',
  ],
  [
    { ...day, tokensPerDay: 300, waiting: 3 },
    'acme: 300 of 300 tokens drawn on 2026-11-30, 3 runs wait for more (revision 0)',
  ],
])('a day is one line: %j', (status, line) => expect(describeDay('acme', status)).toBe(line));

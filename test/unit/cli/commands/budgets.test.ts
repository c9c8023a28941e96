import { expect, it } from 'vitest';
import { describeDay, describeRun } from '../../../../src/cli/commands/budgets.ts';

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

const NONE = { microUsd: 0, tokens: 0 };
const run = {
  limit: { tokens: 4_000 },
  spent: { microUsd: 10_400, tokens: 1_400 },
  reserved: NONE,
  waiting: 0,
};
const rest = { onExhausted: 'wait', topUps: [] } as const;

it.each([
  [run, 'review/r1: 1400 of 4000 tokens used'],
  [{ ...run, waiting: 1 }, 'review/r1: 1400 of 4000 tokens used; 1 task waits for room'],
  [
    {
      ...run,
      limit: { microUsd: 2_000_000, tokens: 4_000 },
      reserved: { microUsd: 500_000, tokens: 9 },
      waiting: 6,
    },
    'review/r1: 0.0104 of 2 USD used and 0.5 reserved, 1400 of 4000 tokens used and 9 reserved; 6 tasks wait for room',
  ],
])('the budget of a run is one line: %j', (report, line) =>
  expect(describeRun('review/r1', { ...rest, ...report })).toBe(line),
);

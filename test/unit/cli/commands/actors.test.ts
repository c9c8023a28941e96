import { describe, expect, it } from 'vitest';
import { formatState, statusOf } from '../../../../src/cli/commands/actors.ts';

describe('formatState', () => {
  it.each([
    ['reviewing', 'reviewing'],
    [{ planning: 'round' }, 'planning.round'],
    [{ a: { b: 'c' }, d: {} }, 'a.b.c, d'],
  ])('%j is %s', (value, text) => expect(formatState(value)).toBe(text));
});

const budget = {
  limit: { tokens: 1 },
  spent: { microUsd: 0, tokens: 1 },
  reserved: { microUsd: 0, tokens: 0 },
  onExhausted: 'wait',
  waiting: 2,
  topUps: [],
} as const;

it.each([
  [{ status: 'active' as const }, 'active'],
  [{ status: 'active' as const, budget }, 'active: waits for its budget'],
  [{ status: 'active' as const, budget: { ...budget, waiting: 0 } }, 'active'],
  // Whatever it had waiting, nobody waits for it.
  [{ status: 'done' as const, budget }, 'done'],
])('the status of %j is %s', (row, text) => expect(statusOf(row)).toBe(text));

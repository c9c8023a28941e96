import { expect, it } from 'vitest';
import { differences, toLines } from '../../../src/testing/run-outcome.ts';

it('finds the innermost difference, on either side', () => {
  const found = differences({ calls: { a: 1, b: 1 }, same: [1] }, { calls: { a: 2 }, same: [1], more: null });
  expect(found).toEqual([
    { at: 'calls.a', expected: 1, actual: 2 },
    { at: 'calls.b', expected: 1, actual: null },
    { at: 'more', expected: null, actual: null },
  ]);
  expect(toLines(found.slice(0, 1))).toBe('  calls.a: expected 1, got 2');
});

it('finds none in what is equal', () => {
  expect(differences({ a: [{ b: 1 }] }, { a: [{ b: 1 }] })).toEqual([]);
});

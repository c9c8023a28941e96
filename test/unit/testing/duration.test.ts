import { expect, it } from 'vitest';
import { toMs } from '../../../src/testing/duration.ts';

it.each([
  ['3 days', 259_200_000],
  ['1 day', 86_400_000],
  ['1h 30m', 5_400_000],
  ['1.5 hours', 5_400_000],
  ['90 s', 90_000],
  ['250ms', 250],
  ['2 weeks', 1_209_600_000],
  [250, 250],
  [0, 0],
  [0.5, 1],
  ['0.5 ms', 1],
  [2 ** 31, 2 ** 31],
])('%s is %i ms', (text, ms) => {
  expect(toMs(text)).toBe(ms);
});

it.each([
  '',
  'soon',
  '3 moons',
  '-1 day',
  '3',
  Number.NaN,
  -1,
  Number.POSITIVE_INFINITY,
  Number.MAX_SAFE_INTEGER,
  '999999999 days',
])('%s is none', (text) => {
  expect(() => toMs(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
});

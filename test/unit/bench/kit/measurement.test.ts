import { describe, expect, it } from 'vitest';
import { formatTable, measurement, percentile, toRecord } from '../../../../bench/kit/measurement.ts';

describe('a measurement', () => {
  it('is the median of its runs, with their spread', () => {
    expect(toRecord(measurement('a', 'ms', [30, 10, 20], 25))).toEqual({
      name: 'a',
      value: 20,
      unit: 'ms',
      target: 25,
      met: true,
      spread: [10, 30],
    });
  });

  it('misses a target that it only just reaches', () => {
    expect(measurement('a', 'ms', [25], 25).met).toBe(false);
  });

  it('reaches a target that is to be reached', () => {
    const met = (value: number): boolean | null => measurement('a', '/s', [value], 25, 'at least').met;
    expect([met(24.9), met(25), met(26)]).toEqual([false, true, true]);
  });

  it('is neither met nor missed where nothing was measured', () => {
    expect(measurement('a', 'MB', [], 512)).toMatchObject({ value: null, met: null, spread: null });
  });
});

describe('a percentile', () => {
  it('is a value that was measured', () => {
    const hundred = Array.from({ length: 100 }, (_, at) => at + 1);
    expect([percentile(hundred, 0.5), percentile(hundred, 0.99), percentile(hundred, 1)]).toEqual([
      50, 99, 100,
    ]);
    expect(percentile([7], 0.5)).toBe(7);
  });
});

it('words a row so that a miss stands out', () => {
  const table = formatTable([
    measurement('fast', 'ms', [1, 3], 5),
    measurement('slow', 'ms', [9], 5),
    measurement('rate', '/s', [9], 5, 'at least'),
  ]);
  expect(table.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
    ['name', 'value', 'target', 'spread'],
    ['fast', '1 ms', '< 5 ms', 'met', '1 to 3'],
    ['slow', '9 ms', '< 5 ms', 'MISSED'],
    ['rate', '9 /s', '>= 5 /s', 'met'],
  ]);
});

import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import { toDurationMs } from '../../../src/cli/duration.ts';

describe('a duration', () => {
  it.each([
    ['0s', 0],
    ['250ms', 250],
    ['90s', 90_000],
    ['1h30m', 5_400_000],
    ['3d', 259_200_000],
    ['1.5h', 5_400_000],
  ])('%s is %i ms', (text, ms) => {
    expect(toDurationMs(text)).toBe(ms);
  });

  it.each(['', '5', 's', '-5s', '3 days', '1h-', '1e3s', 'PT1H'])('is not written %o', (text) => {
    expect(() => toDurationMs(text)).toThrow(InvalidArgumentError);
  });
});

// What people write on the command line of the broker, and what it prints for them to copy.
import { execFileSync } from 'node:child_process';
import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import { shellWord, toDurationMs } from '../../../src/cli/command.ts';

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

describe('a word of a shell', () => {
  it('has no quotes where it needs none', () => {
    expect(shellWord('/tmp/a-b_c.d/e')).toBe('/tmp/a-b_c.d/e');
  });

  it.each(['', 'a b', "it's", '$(true)', '`true`', '"', '\\', '~/a', '*', 'a\nb', 'é'])(
    'is read by a shell as it was: %j',
    (text) => {
      expect(execFileSync('sh', ['-c', `printf %s ${shellWord(text)}`], { encoding: 'utf8' })).toBe(text);
    },
  );
});

import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { answeringOf, parseArguments } from '../../../../examples/repo-review/client/arguments.ts';

const ALL = ['out', 'fail-at'] as const;

describe('the command line of a review', () => {
  it.each([
    [[], { folder: resolve('.'), out: resolve('quorate-report') }],
    [['src'], { folder: resolve('src'), out: resolve('quorate-report') }],
    [['--out', 'x', 'src'], { folder: resolve('src'), out: resolve('x') }],
    [['/a', '--fail-at', 'publish'], { folder: '/a', out: resolve('quorate-report'), failAt: 'publish' }],
  ])('%j', (args, expected) => {
    expect(parseArguments(args, ALL)).toEqual(expected);
  });

  it.each([
    ['an unknown option', ['--dance'], /^Unknown option '--dance'\n/],
    ['an option without its value', ['--out'], /^Option '--out <value>' argument missing\n/],
    ['an unknown step', ['--fail-at', 'lunch'], /^there is no step 'lunch'\n/],
    ['two folders', ['a', 'b'], /^one folder at a time: a, b\n/],
  ])('of %s is refused with what is possible', (_, args, message) => {
    expect(() => parseArguments(args, ALL)).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        message: expect.stringMatching(
          new RegExp(
            `${message.source}.*\\[folder\\] \\[--out folder\\] \\[--fail-at stage\\|write\\|verify\\|publish\\]$`,
          ),
        ),
      }),
    );
  });

  it('has no option that is not asked for', () => {
    expect(() => parseArguments(['--fail-at', 'stage'], ['out'])).toThrow(/^Unknown option '--fail-at'\n/);
  });
});

it.each([
  [[], true, 'here'],
  [['--ask'], true, 'here'],
  [['--yes'], true, 'yes'],
  [['--yes', '--ask'], false, 'yes'],
  [['--ask'], false, 'elsewhere'],
  [[], false, undefined],
])('with %j, at a terminal: %s, the question is for %s', (args, interactive, answering) => {
  expect(answeringOf(args, ['yes', 'ask'], interactive)).toBe(answering);
});

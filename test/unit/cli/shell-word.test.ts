import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { shellWord } from '../../../src/cli/shell-word.ts';

test('what needs no quotes has none', () => {
  expect(shellWord('/tmp/a-b_c.d/e')).toBe('/tmp/a-b_c.d/e');
});

test.each(['', 'a b', "it's", '$(true)', '`true`', '"', '\\', '~/a', '*', 'a\nb', 'é'])(
  'a shell reads %j as it was',
  (text) => {
    expect(execFileSync('sh', ['-c', `printf %s ${shellWord(text)}`], { encoding: 'utf8' })).toBe(text);
  },
);

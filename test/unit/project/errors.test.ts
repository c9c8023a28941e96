// docs/errors.md, the table of codes and the code that raises them say the same.
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ERROR_HINTS } from '../../../src/contract/errors.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string): string => readFileSync(`${ROOT}/${path}`, 'utf8');

/** Code -> advice, as the page has them. */
function documentedErrors(): Record<string, string> {
  const rows = read('docs/errors.md').matchAll(/^\| `([A-Z_]+)` \| ([^|]+) \| ([^|]+) \|$/gm);
  return Object.fromEntries([...rows].map(([, code = '', , advice = '']) => [code, advice]));
}

const sources = globSync(['src/**/*.ts', 'examples/**/*.ts', 'bin/*.js'], { cwd: ROOT })
  .filter((path) => path.replaceAll('\\', '/') !== 'src/contract/errors.ts')
  .map(read)
  .join('\n');

describe('docs/errors.md', () => {
  it('has exactly the codes of the table, with the same advice', () => {
    expect(documentedErrors()).toEqual(ERROR_HINTS);
  });
});

describe('every code is raised somewhere', () => {
  it.each(Object.keys(ERROR_HINTS))('%s', (code) => {
    expect(sources.includes(`'${code}'`)).toBe(true);
  });
});

describe('bin/quorate.js', () => {
  it.each(['NODE_TOO_OLD', 'NOT_BUILT'] as const)('says what the table says about %s', (code) => {
    expect(read('bin/quorate.js')).toContain(ERROR_HINTS[code]);
  });
});

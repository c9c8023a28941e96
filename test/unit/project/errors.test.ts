// docs/errors.md is made of the table of codes: of its comments and its texts. After a change of those:
// `npx vitest run test/unit/project/errors.test.ts -u`.
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ERROR_HINTS } from '../../../src/contract/errors.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string): string => readFileSync(`${ROOT}/${path}`, 'utf8');

const HEAD = `# Errors

Every error of Quorate has a code. The command line prints \`error CODE: what happened\` and below it what to do; in code it is the \`code\`
of a \`QuorateError\`, the same after it has crossed a thread or Service Bus. An agent may throw errors with codes of its own, which
travel unchanged.

| Code | What happened | What to do |
| --- | --- | --- |
`;

/** Code -> what happened: the comment above it in the table. */
function happened(): ReadonlyMap<string, string> {
  const comments = read('src/contract/errors.ts').matchAll(/\/\*\*((?:(?!\*\/).)*)\*\/\n {2}([A-Z_]+):/gs);
  return new Map(
    [...comments].map(([, text = '', code = '']) => [code, text.replace(/\s+\*?\s*/g, ' ').trim()]),
  );
}

it('docs/errors.md has every code with what happened and what to do', async () => {
  const what = happened();
  const codes = Object.keys(ERROR_HINTS) as (keyof typeof ERROR_HINTS)[];
  expect(codes.filter((code) => what.get(code) === undefined)).toEqual([]);
  const rows = codes.toSorted().map((code) => `| \`${code}\` | ${what.get(code)} | ${ERROR_HINTS[code]} |\n`);
  await expect(HEAD + rows.join('')).toMatchFileSnapshot(`${ROOT}/docs/errors.md`);
});

const sources = globSync(['src/**/*.ts', 'examples/**/*.ts', 'bin/*.js'], { cwd: ROOT })
  .filter((path) => path.replaceAll('\\', '/') !== 'src/contract/errors.ts')
  .map(read)
  .join('\n');

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

// The README shows the files of the quickstart as they are; what a beginner has to read stays under 40 lines.
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const ROOT = new URL('../../../', import.meta.url);
const FOLDER = new URL('examples/quickstart/', ROOT);

it('shows every file of the quickstart as it is, in under 40 lines', () => {
  const page = readFileSync(new URL('README.md', ROOT), 'utf8');
  const blocks = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code);
  const files = readdirSync(FOLDER).map((name) => readFileSync(new URL(name, FOLDER), 'utf8'));
  expect(new Set(blocks)).toEqual(new Set(files));
  expect(files.join('').trim().split('\n').length).toBeLessThan(40);
});

// ARCHITECTURE.md has one row a file of src, with words of its own for each.
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const page = readFileSync(`${ROOT}/ARCHITECTURE.md`, 'utf8');
const rows = [...page.matchAll(/^\| `(src\/[^`]+)` \| (.*) \|$/gm)].map(([, path = '', text = '']) => ({
  path,
  text,
}));
const files = globSync('src/**/*.ts', { cwd: ROOT }).map((path) => path.replaceAll('\\', '/'));

describe('ARCHITECTURE.md', () => {
  it('has a row for every file of src, and for no other', () => {
    expect(rows.map(({ path }) => path).sort()).toEqual(files.sort());
  });

  it('says what each of them is', () => {
    for (const { path, text } of rows) expect(text.length, path).toBeGreaterThan(10);
    expect(new Set(rows.map(({ text }) => text)).size).toBe(rows.length);
  });
});

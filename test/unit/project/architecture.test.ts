// ARCHITECTURE.md has one row a folder of sources, and every file says at its head what it is.
import { globSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const files = globSync(['src/**/*.{ts,tsx}', 'otel/*.ts', 'packages/*/src/**/*.ts'], { cwd: ROOT }).map(
  (path) => path.replaceAll('\\', '/'),
);

it('ARCHITECTURE.md has a row for every folder that has files, and for no other', () => {
  const page = readFileSync(`${ROOT}/ARCHITECTURE.md`, 'utf8');
  const rows = [...page.matchAll(/^\| `((?:packages\/broker\/)?src[^`]*)` \| .{20,} \|$/gm)].map(
    ([, path]) => path,
  );
  const folders = new Set(
    files.map((path) => dirname(path)).filter((path) => /^(src|packages\/broker\/src\/)/.test(path)),
  );
  expect(new Set(rows)).toEqual(folders);
  expect(rows).toHaveLength(folders.size);
});

it('no file hides another, and few are crumbs (docs/decisions/0099)', () => {
  const lines = files
    .map((path) => readFileSync(`${ROOT}/${path}`, 'utf8').split('\n').length - 1)
    .toSorted((a, b) => a - b);
  expect(lines.at(-1)).toBeLessThanOrEqual(400);
  expect(lines.filter((count) => count < 30).length).toBeLessThanOrEqual(40);
  expect(lines[lines.length >> 1]).toBeGreaterThanOrEqual(90);
});

it.each(files)('%s says at its head what it is', (path) => {
  const head = readFileSync(`${ROOT}/${path}`, 'utf8').slice(0, 300);
  expect(head).toMatch(/^(\/\/ |\/\*\* |\/\*\*\n \* ).{12,}/);
});

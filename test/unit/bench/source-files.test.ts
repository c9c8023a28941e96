import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { writeSourceFiles } from '../../../bench/source-files.ts';
import { treeOf } from '../../kit/tree.ts';

it('writes the same mixed folder for the same seed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'quorate-sources-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const [first, second, other] = ['a', 'b', 'c'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await writeSourceFiles(first, 60, 7);
  await writeSourceFiles(second, 60, 7);
  await writeSourceFiles(other, 60, 8);
  const tree = await treeOf(first);
  expect(await treeOf(second)).toEqual(tree);
  expect(await treeOf(other)).not.toEqual(tree);
  const files = Object.keys(tree ?? {}).filter((path) => /\.(ts|js|md)$/.test(path));
  expect(files).toHaveLength(60);
  expect(new Set(files.map((path) => path.slice(-3)))).toEqual(new Set(['.ts', '.js', '.md']));
});

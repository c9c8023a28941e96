import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Storage } from '../../../src/contract/payload.ts';
import { createFolderStorage } from '../../../src/storage/folder.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorate-folder-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const bytes = (text: string): Uint8Array => Buffer.from(text);
async function listed(found: ReturnType<Storage['list']>): Promise<{ path: string; writtenAt: number }[]> {
  const all = [];
  for await (const one of found) all.push(one);
  return all;
}
const text = (found: Uint8Array | undefined): string | undefined =>
  found === undefined ? undefined : Buffer.from(found).toString();

it('gives back what was written, and nothing for what was not', async () => {
  await createFolderStorage(folder).write('a/b/one', bytes('ü'));
  const storage = createFolderStorage(folder);
  expect(text(await storage.read('a/b/one'))).toBe('ü');
  expect(await storage.read('a/b/two')).toBeUndefined();
});

it('survives many writers of one path, leaving one whole value and no temporary file', async () => {
  const storage = createFolderStorage(folder);
  await Promise.all(
    Array.from({ length: 20 }, (_, at) => storage.write('a/same', bytes(`${at}${'x'.repeat(10_000)}`))),
  );
  expect(text(await storage.read('a/same'))).toMatch(/^\d+x{10000}$/);
  expect(await readdir(join(folder, 'a'))).toEqual(['same']);
});

it('keeps writing in a folder that others remove under it', async () => {
  const storage = createFolderStorage(folder);
  for (let round = 0; round < 50; round++)
    await Promise.all([
      storage.write('a/b/one', bytes('1')),
      storage.remove('a/b/two'),
      storage.remove('a/b/one'),
    ]);
  await storage.write('a/b/one', bytes('last'));
  expect(text(await storage.read('a/b/one'))).toBe('last');
});

it('leaves nothing behind of what is removed, empty folders neither, and takes a removal twice', async () => {
  const storage = createFolderStorage(folder);
  for (const path of ['a/b/one', 'a/b/two', 'a/c/one']) await storage.write(path, bytes('x'));
  for (let twice = 0; twice < 2; twice++) {
    await storage.removeFolder('a/b');
    await storage.remove('a/c/one');
  }
  expect(await readdir(folder)).toEqual([]);
});

it('lists what lies below, with the time at which it was written', async () => {
  const storage = createFolderStorage(folder);
  await storage.write('a/b/one', bytes('x'));
  await storage.write('c/one', bytes('x'));
  const found = await listed(storage.list('a'));
  expect(found.map(({ path }) => path)).toEqual(['a/b/one']);
  expect(Math.abs((found[0]?.writtenAt ?? 0) - Date.now())).toBeLessThan(60_000);
  expect(await listed(storage.list('nowhere'))).toEqual([]);
});

it.each(['../secret', 'a/../../secret', '/etc/passwd', 'a//b', 'a/./b', ''])('refuses %j', async (path) => {
  await writeFile(join(folder, 'kept'), '');
  const storage = createFolderStorage(join(folder, 'inner'));
  for (const attempt of [() => storage.read(path), async () => storage.write(path, bytes('x'))])
    await expect(attempt).rejects.toThrow('not a storage path');
});

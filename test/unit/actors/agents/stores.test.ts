import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPayloadStore, createResultStore } from '../../../../src/actors/agents/stores.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorate-stores-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the result store', () => {
  it('gives back what was put, and nothing for an unknown key', async () => {
    const store = createResultStore(folder);
    await store.put('k1', { a: [1, 'ü'] });
    expect(await createResultStore(folder).get('k1')).toEqual({ a: [1, 'ü'] });
    expect(await store.get('k2')).toBeUndefined();
  });

  it('survives many writers of one key, leaving one whole value and no temporary file', async () => {
    const store = createResultStore(folder);
    await Promise.all(
      Array.from({ length: 20 }, (_, at) => store.put('same', { at, pad: 'x'.repeat(10_000) })),
    );
    expect(await store.get('same')).toMatchObject({ pad: 'x'.repeat(10_000) });
    const files = await readdir(folder, { recursive: true });
    expect(files.filter((file) => file.endsWith('.tmp'))).toEqual([]);
  });

  it('refuses a key that would leave its folder', async () => {
    await expect(async () => createResultStore(folder).get('../secret')).rejects.toThrow('not a storage key');
  });
});

describe('the payload store', () => {
  it('is addressed by content and says the length of arrays', async () => {
    const store = createPayloadStore(folder);
    const first = await store.put(['a', 'b']);
    expect(await store.put(['a', 'b'])).toEqual(first);
    expect(first.count).toBe(2);
    expect(await store.get(first)).toEqual(['a', 'b']);
    expect((await store.put({ a: 1 })).count).toBeUndefined();
  });
});

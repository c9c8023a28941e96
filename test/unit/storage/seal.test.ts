import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Seal } from '../../../src/contract/payload.ts';
import { createFolderStorage } from '../../../src/storage/folder.ts';
import { createPacking } from '../../../src/storage/packing.ts';
import { createPayloads, createResults } from '../../../src/storage/payloads.ts';
import { createSealer } from '../../../src/storage/seal.ts';
import { memoryStorage } from '../../kit/memory-storage.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorate-seal-'));
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(folder, { recursive: true, force: true });
});

const sealer = (): (() => Promise<Seal>) => createSealer(createFolderStorage(folder), 'scope');
const packing = createPacking({ compress: false, codecs: [] });

it('is the same for all that start at once, and for those that come later', async () => {
  const together = await Promise.all(Array.from({ length: 20 }, () => sealer()()));
  const later = await sealer()();
  const signed = [...together, later].map((seal) => seal.sign('a', 'b'));
  expect(new Set(signed).size).toBe(1);
  expect(signed[0]).toMatch(/^[\w-]{22}$/);
  for (const seal of together) expect(later.isSigned(seal.sign('x'), 'x')).toBe(true);
});

it('counts for what was signed, and for nothing else', async () => {
  const seal = await sealer()();
  const mac = seal.sign('value', 'path', '1');
  expect(seal.isSigned(mac, 'value', 'path', '1')).toBe(true);
  const other = await createSealer(createFolderStorage(folder), 'other')();
  expect(other.isSigned(mac, 'value', 'path', '1')).toBe(false);
  for (const parts of [['claim', 'path', '1'], ['value', 'path1'], ['value', 'path', '1', ''], []])
    expect(seal.isSigned(mac, ...parts)).toBe(false);
  const forged = [undefined, null, 1, '', {}, mac.slice(1), `${mac}=`, mac.toLowerCase(), 'ü'.repeat(22)];
  for (const one of forged) expect(seal.isSigned(one, 'value', 'path', '1')).toBe(false);
});

it('reads its store once, and again only when the store did not answer', async () => {
  const storage = memoryStorage();
  const read = vi.spyOn(storage, 'read');
  const seal = createSealer(storage, 'scope');
  storage.fail = () => new Error('no answer');
  await expect(seal()).rejects.toThrow('no answer');
  storage.fail = undefined;
  await Promise.all([seal(), seal(), seal()]);
  await seal();
  expect(read).toHaveBeenCalledTimes(2);
});

it('stays young, so that a rule that removes old payloads does not remove it; one that was removed comes back', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const storage = memoryStorage();
  const seal = createSealer(storage, 'scope');
  const mac = (await seal()).sign('x');
  const [path = '', key] = [...storage.files][0] ?? [];
  const write = vi.spyOn(storage, 'write');
  vi.setSystemTime(Date.now() + 8 * 24 * 3_600_000);
  await seal();
  expect(write).toHaveBeenCalledTimes(1);
  storage.files.delete(path);
  vi.setSystemTime(Date.now() + 8 * 24 * 3_600_000);
  expect((await seal()).sign('x')).toBe(mac);
  expect(storage.files.get(path)).toEqual(key);
});

it('is refused by code when its file is damaged, and not replaced: what was signed by it would not count', async () => {
  await mkdir(join(folder, 'keys/scope'), { recursive: true });
  await writeFile(join(folder, 'keys/scope/1'), 'quorate-key/1 half');
  await expect(sealer()()).rejects.toMatchObject({ code: 'PAYLOAD_UNREADABLE' });
  expect(await readFile(join(folder, 'keys/scope/1'), 'latin1')).toBe('quorate-key/1 half');
});

describe.each(['folder', 'memory'] as const)('the key in a storage of kind %s', (kind) => {
  const paths = [
    'keys/scope/1',
    'scope/../keys/scope/1',
    './keys/scope/1',
    '/keys/scope/1',
    'keys//scope/1',
    'keys',
    '..',
    'scope/..%2fkeys/../../keys/scope/1',
  ];

  it.each(paths)('is not read, written or removed as the payload %s', async ($payload) => {
    const storage = kind === 'folder' ? createFolderStorage(folder) : memoryStorage();
    const payloads = createPayloads(storage, packing, 'scope');
    await payloads.seal();
    const key = await storage.read('keys/scope/1');
    expect(key).toBeDefined();
    await expect(payloads.get({ $payload, bytes: 1 })).rejects.toMatchObject({ code: 'PAYLOAD_NOT_FOUND' });
    await payloads.remove({ $payload, bytes: 1 });
    await expect(payloads.removeFolder($payload)).rejects.toThrow(RangeError);
    const at = $payload.lastIndexOf('/');
    await expect(payloads.put($payload.slice(0, Math.max(at, 0)), $payload.slice(at + 1), 1)).rejects.toThrow(
      RangeError,
    );
    const results = createResults(storage, packing);
    await expect(results.get($payload, 'key')).rejects.toThrow(RangeError);
    await expect(results.put($payload, 'key', 1)).rejects.toThrow(RangeError);
    expect(await storage.read('keys/scope/1')).toEqual(key);
  });

  it('is not reached by the key of a result', async () => {
    const results = createResults(kind === 'folder' ? createFolderStorage(folder) : memoryStorage(), packing);
    await expect(results.get('scope/a', '/../../../keys/scope/1')).rejects.toThrow(RangeError);
    await expect(results.put('scope/a', '/../../../keys/scope/1', 1)).rejects.toThrow(RangeError);
  });
});

it('of a folder is made once, and whole: who comes second is told so', async () => {
  const storage = createFolderStorage(folder);
  const made = await Promise.all(
    Array.from({ length: 20 }, (_, at) => storage.create('a/same', Buffer.from(`${at}`))),
  );
  expect(made.filter(Boolean)).toHaveLength(1);
  expect(Buffer.from((await storage.read('a/same')) ?? []).toString()).toBe(String(made.indexOf(true)));
  const left: string[] = [];
  for await (const { path } of storage.list('a')) left.push(path);
  expect(left).toEqual(['a/same']);
});

// The two stores of streams, a table and growing files: the same law, and what each does with what is over.
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Storage } from '../../../src/contract/payload.ts';
import { openDatabase } from '../../../src/storage/database.ts';
import { createFolderStorage } from '../../../src/storage/folder.ts';
import { createPacking } from '../../../src/storage/packing.ts';
import { createStreamFiles } from '../../../src/storage/stream-files.ts';
import { createStreamTable, type StreamTable } from '../../../src/storage/stream-table.ts';
import { memoryStorage } from '../../kit/memory-storage.ts';
import { createRandom } from '../../kit/random.ts';
import { holdsStreamLaw, idsIn, readAll, rowText } from '../../kit/stream-law.ts';

const NOW = 1_800_000_000_000;
const packing = createPacking({ compress: true, codecs: [] });
const random = createRandom();
console.info(`streams.test: QUORATE_TEST_SEED=${random.seed}`);
const PLACE = 'scope/m/one/life/stream';

let folder: string;
let opened: { close(): void }[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorate-streams-'));
  opened = [];
});
afterEach(async () => {
  for (const one of opened) one.close();
  await rm(folder, { recursive: true, force: true });
});

async function table(): Promise<StreamTable> {
  const db = await openDatabase(join(folder, 'results.db'));
  opened.push(db);
  return createStreamTable(db, packing);
}

const files = () => createStreamFiles(createFolderStorage(join(folder, 'payloads')), packing);
const append = (n: number, writer = 'w', until = NOW + 1_000) => ({
  text: rowText(writer, n),
  writer,
  until,
});

describe('a table of streams', () => {
  it('has all that two processes append, in one order', async () => {
    await holdsStreamLaw([await table(), await table()], PLACE, random);
  });

  it('keeps what a writer has until it is over, and then forgets it in small steps', async () => {
    const store = await table();
    for (let n = 0; n < 1_200; n++) await store.append(PLACE, append(n), NOW);
    await store.append(PLACE, append(0, 'other', NOW + 9_000), NOW);
    expect(await readAll(store, PLACE)).toHaveLength(1_201);
    await store.expire(PLACE, 'w', NOW - 1);
    expect(idsIn(await readAll(store, PLACE))).toEqual(['other#0']);
    await store.sweep(NOW);
    const db = await openDatabase(join(folder, 'results.db'));
    opened.push(db);
    expect(db.prepare('SELECT count(*) AS rows FROM stream').get()).toEqual({ rows: 1 });
    expect(db.prepare('SELECT writer FROM stream_writer').all()).toEqual([{ writer: 'other' }]);
    const { from, at } = await store.append(PLACE, append(7), NOW);
    expect(from).toBeLessThan(at);
    expect(idsIn(await readAll(store, PLACE))).toEqual(['other#0', 'w#7']);
  });

  it('uses no number twice, so that a reader of what was removed misses nothing that comes', async () => {
    const store = await table();
    const { at } = await store.append(PLACE, append(0), NOW);
    await store.removeFolder('scope/m/one/life');
    expect(await readAll(store, PLACE)).toEqual([]);
    const next = await store.append(PLACE, append(1), NOW);
    expect(next.at).toBeGreaterThan(at);
    expect(next.from).toBe(0);
    expect(idsIn(await readAll(store, PLACE, at))).toEqual(['w#1']);
  });
});

describe('files of streams', () => {
  it('have all that two processes append, in one order', async () => {
    await holdsStreamLaw([files(), files()], PLACE, random, 30);
  });

  it('have a next one where one takes no more', async () => {
    const whole = memoryStorage();
    const lines = new Map<string, number>();
    const storage: Storage = {
      ...whole,
      append: async (path, bytes, create) => {
        const count = lines.get(path) ?? 0;
        if (count === 7) return { kind: 'full' };
        lines.set(path, count + 1);
        return whole.append(path, bytes, create);
      },
    };
    const stores = [createStreamFiles(storage, packing), createStreamFiles(storage, packing)];
    await holdsStreamLaw(stores, PLACE, random, 30);
    expect(lines.size).toBe(Math.ceil(60 / 7));
  });

  it('lose to a line that a crash has cut that line alone', async () => {
    const store = files();
    await store.append(PLACE, append(0), NOW);
    await appendFile(join(folder, 'payloads', PLACE, 'log-0'), '\nbm90IGEgd2hvbGU');
    await store.append(PLACE, append(1), NOW);
    expect(idsIn(await readAll(store, PLACE))).toEqual(['w#0', 'w#1']);
  });

  it('are removed once they are over, unless another process has streamed there since', async () => {
    const [one, other] = [files(), files()];
    await one.append(PLACE, append(0), NOW);
    await one.expire(PLACE, 'w', NOW);
    await one.append(PLACE, append(1), NOW);
    await one.sweep(NOW + 1);
    expect(await readAll(other, PLACE)).toHaveLength(2);
    await one.expire(PLACE, 'w', NOW);
    await one.sweep(NOW + 1);
    expect(await readAll(other, PLACE)).toEqual([]);
  });

  it('lie behind what was removed: a reader that stayed, one that is new and a writer that knew nothing of it have them', async () => {
    const [one, other, reader] = [files(), files(), files()];
    await other.append(PLACE, append(0), NOW);
    for (let round = 1; round <= 3; round++) {
      const { at } = await one.append(PLACE, append(round), NOW);
      await one.expire(PLACE, 'w', NOW);
      await one.sweep(NOW + 1);
      expect(await readAll(reader, PLACE, at)).toEqual([]);
      await other.append(PLACE, append(10 + round), NOW);
      for (const after of [at, 0])
        expect(idsIn(await readAll(reader, PLACE, after))).toEqual([`w#${10 + round}`]);
    }
  });
});

describe.each([
  { of: 'a table', open: table },
  { of: 'files', open: async () => files() },
])('readers of $of', ({ open }) => {
  it('are known to writers until they leave, or their lease is over', async () => {
    const store = await open();
    await store.attend(PLACE, 'client-1', NOW + 1_000);
    await store.attend(PLACE, 'client-1', NOW + 9_000);
    await store.attend(PLACE, 'client-2', NOW + 500);
    await store.attend(`${PLACE}x`, 'client-3', NOW + 9_000);
    const at = async (ms: number) => [...(await store.append(PLACE, append(0), NOW + ms)).readers].toSorted();
    expect(await at(0)).toEqual(['client-1', 'client-2']);
    expect(await at(2_000)).toEqual(['client-1']);
    await store.leave(PLACE, 'client-1');
    expect(await at(4_000)).toEqual([]);
  });
});

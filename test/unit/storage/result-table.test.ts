import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { PayloadCodec } from '../../../src/contract/payload.ts';
import { openDatabase } from '../../../src/storage/database.ts';
import { createFolderStorage } from '../../../src/storage/folder.ts';
import { createPacking } from '../../../src/storage/packing.ts';
import { createResults } from '../../../src/storage/payloads.ts';
import { ResultTable } from '../../../src/storage/result-table.ts';

const LARGE = 'x'.repeat(100_000);

let folder: string;
let opened: { close(): void }[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorate-results-'));
  opened = [];
});
afterEach(async () => {
  for (const one of opened) one.close();
  await rm(folder, { recursive: true, force: true });
});

const file = (): string => join(folder, 'results.db');
const files = (): Promise<string[]> => readdir(join(folder, 'payloads'), { recursive: true });

async function open(codecs: readonly PayloadCodec[] = []): Promise<ResultTable> {
  const packing = createPacking({ compress: false, codecs });
  const storage = createFolderStorage(join(folder, 'payloads'));
  const db = await openDatabase(file());
  opened.push(db);
  return new ResultTable(db, packing, createResults(storage, packing));
}

function database(): DatabaseSync {
  const db = new DatabaseSync(file());
  opened.push(db);
  return db;
}

it('gives back what was stored, to this host and to another, and nothing for what was not', async () => {
  const [here, there] = await Promise.all([open(), open()]);
  await here.put('s/a', 'k', { status: 'done', output: ['ü', null, 1] });
  for (const table of [here, there]) {
    expect(await table.get('s/a', 'k')).toEqual({ status: 'done', output: ['ü', null, 1] });
    expect(await table.get('s/a', 'other')).toBeUndefined();
    expect(await table.get('s/b', 'k')).toBeUndefined();
  }
});

it('keeps the last of several under one key, and all of many at once', async () => {
  const table = await open();
  await table.put('s/a', 'k', 1);
  await table.put('s/a', 'k', 2);
  expect(await table.get('s/a', 'k')).toBe(2);
  await Promise.all(Array.from({ length: 500 }, (_, at) => table.put('s/many', `k${at}`, at)));
  for (const at of [0, 1, 250, 499]) expect(await (await open()).get('s/many', `k${at}`)).toBe(at);
});

it('keeps a large one in a file', async () => {
  await (await open()).put('s/a', 'k', LARGE);
  expect(await files()).toContain(join('s', 'a', 'result-k'));
  expect(await (await open()).get('s/a', 'k')).toBe(LARGE);
});

it('removes a folder with what is below it, and leaves its neighbours', async () => {
  const table = await open();
  const gone = ['s/a/life', 's/a/life/1', 's/a/life/1/2'];
  const stay = ['s/a/life-1', 's/a/life.1', 's/a/life0', 's/a', 's/a/lif', 's/b/life'];
  for (const one of [...gone, ...stay]) await table.put(one, 'k', one);
  await table.removeFolder('s/a/life');
  for (const one of gone) expect(await table.get(one, 'k')).toBeUndefined();
  for (const one of stay) expect(await table.get(one, 'k')).toBe(one);
});

it('packs with the codecs of payloads', async () => {
  const flip = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => byte ^ 0xff);
  await (await open([{ name: 'flip', encode: flip, decode: flip }])).put('s/a', 'k', 'canary');
  const [row] = database().prepare('SELECT packed FROM result').all();
  expect(Buffer.from(row?.['packed'] as Uint8Array).includes('canary')).toBe(false);
  await expect((await open()).get('s/a', 'k')).rejects.toMatchObject({ code: 'PAYLOAD_UNREADABLE' });
});

it('waits for a host that commits, without standing still', async () => {
  const table = await open();
  const other = database();
  other.exec('BEGIN IMMEDIATE');
  const stored = table.put('s/a', 'k', 1);
  const removed = table.removeFolder('s/b');
  // Readers wait for nobody.
  expect(await table.get('s/a', 'k')).toBeUndefined();
  await sleep(100);
  other.exec('ROLLBACK');
  await Promise.all([stored, removed]);
  expect(await table.get('s/a', 'k')).toBe(1);
});

it('goes on when a host is killed in the middle of a commit, and keeps nothing of it', async () => {
  const table = await open();
  const dying = `
    const db = new (require('node:sqlite').DatabaseSync)(process.argv[1]);
    db.exec("BEGIN IMMEDIATE; INSERT INTO result VALUES ('s/a', 'half', x'00')");
    process.stdout.write('in it');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['-e', dying, file()], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const stored = table.put('s/a', 'k', 1);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await stored;
  expect(await table.get('s/a', 'k')).toBe(1);
  expect(await table.get('s/a', 'half')).toBeUndefined();
});

it('says that a write did not arrive', async () => {
  const table = await open();
  database().exec('DROP TABLE result');
  await expect(table.put('s/a', 'k', 1)).rejects.toThrow('result');
});

it.each([
  [
    'is no database',
    () => writeFile(file(), 'not a database, but long enough to be taken for the head of one'),
  ],
  ['holds something else', async () => database().exec('CREATE TABLE other (id)')],
  [
    'is of a newer format',
    async () => {
      await open();
      database().exec('PRAGMA user_version = 9');
    },
  ],
])('leaves a file alone that %s', async (_, plant) => {
  await plant();
  await expect(open()).rejects.toMatchObject({ code: 'RESULTS_UNREADABLE' });
});

it('lists the small ones of a folder, of the table as of files, and none of the folders below or beside it', async () => {
  const table = await open();
  const packing = createPacking({ compress: true, codecs: [] });
  const filed = createResults(createFolderStorage(join(folder, 'payloads')), packing);
  for (const results of [table, filed]) {
    expect(await results.list('s/a')).toEqual([]);
    await results.put('s/a', 'one', { n: 1 });
    await results.put('s/a', 'two', true);
    await results.put('s/ab', 'beside', 3);
    const listed = await results.list('s/a');
    expect(listed).toHaveLength(2);
    expect(listed).toEqual(expect.arrayContaining([{ n: 1 }, true]));
  }
  await table.put('s/a/below', 'three', 3);
  expect(await table.list('s/a')).toHaveLength(2);
});

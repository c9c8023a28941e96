// One law for both stores: what was put is found until its time is over, whoever put it first, and nothing else is.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import type { CancellationStore } from '../../../src/contract/payload.ts';
import { createCancellationFiles } from '../../../src/storage/cancellations.ts';
import { createCancellationTable } from '../../../src/storage/control-tables.ts';
import { openDatabase } from '../../../src/storage/database.ts';
import { createFolderStorage } from '../../../src/storage/folder.ts';
import { createPacking } from '../../../src/storage/packing.ts';
import { createPayloads } from '../../../src/storage/payloads.ts';

const HOUR = 3_600_000;
const root = mkdtempSync(join(tmpdir(), 'quorate-cancellations-'));
const packing = createPacking({ compress: false, codecs: [] });
const undo: (() => void)[] = [];
afterAll(() => {
  for (const step of undo) step();
  rmSync(root, { recursive: true, force: true });
});

let count = 0;
async function table(file = join(root, `results-${count++}.db`)) {
  const opened = await openDatabase(file);
  undo.push(() => opened.close());
  return { opened, file };
}

const STORES: Record<string, () => Promise<(scope: string) => CancellationStore>> = {
  files: async () => {
    const storage = createFolderStorage(join(root, `files-${count++}`));
    return (scope) => createCancellationFiles(storage, scope);
  },
  table: async () => {
    const { opened } = await table();
    return (scope) => createCancellationTable(opened, scope);
  },
};

describe.each(Object.entries(STORES))('%s', (_name, open) => {
  it('finds what was put, by whomever and however often, and not what others put', async () => {
    const of = await open();
    const [one, two, other] = [of('s1'), of('s1'), of('s2')];
    expect(await one.find(['a', 'b'])).toEqual([]);
    await Promise.all([one.put(['a'], 5 * HOUR, 0), two.put(['a', 'c'], 9 * HOUR, 0)]);
    expect(await two.find(['b', 'c', 'a'])).toEqual(['c', 'a']);
    expect(await other.find(['a', 'b', 'c'])).toEqual([]);
    await one.put([], 1, 0);
  });

  it('forgets what is over, not what is not', async () => {
    const store = (await open())('s');
    await store.put(['short', 'long'], 2 * HOUR, 0);
    await store.put(['longer'], 9 * HOUR, 0);
    await store.put(['next'], 9 * HOUR, 3 * HOUR);
    await expect.poll(() => store.find(['short', 'long', 'longer', 'next'])).toEqual(['longer', 'next']);
  });
});

it('a file of an earlier build gets the table and keeps its format, so that hosts of that build go on with it', async () => {
  const { opened, file } = await table();
  opened.close();
  undo.pop();
  const older = new DatabaseSync(file);
  older.exec('DROP TABLE cancelled; DROP TABLE task_claim; DROP TABLE process');
  const format = older.prepare('PRAGMA user_version').get();
  older.close();
  const { opened: again } = await table(file);
  await createCancellationTable(again, 's').put(['a'], HOUR, 0);
  expect(await createCancellationTable(again, 's').find(['a'])).toEqual(['a']);
  const seen = new DatabaseSync(file, { readOnly: true });
  expect(seen.prepare('PRAGMA user_version').get()).toEqual(format);
  seen.close();
});

it('no reference to a payload leads to a mark', async () => {
  const storage = createFolderStorage(join(root, 'forged'));
  const store = createCancellationFiles(storage, 's');
  await store.put(['a'], HOUR, 0);
  const payloads = createPayloads(storage, packing, 's');
  await payloads.remove({ $payload: 'cancelled/s/a', bytes: 1 });
  await expect(payloads.removeFolder('cancelled/s')).rejects.toThrow(RangeError);
  expect(await store.find(['a'])).toEqual(['a']);
});

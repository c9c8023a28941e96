// The data of a runtime is for its owner alone.
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '../../../src/storage/database.ts';
import { createFolderStorage, makeFolder } from '../../../src/storage/folder.ts';
import { createPacking } from '../../../src/storage/packing.ts';
import { createPayloads, createResults } from '../../../src/storage/payloads.ts';
import { ResultTable } from '../../../src/storage/result-table.ts';

const modeOf = (path: string) => statSync(path).mode & 0o7777;
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'quorate-owner-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  const umask = process.umask(0o022);
  onTestFinished(() => void process.umask(umask));
  return join(path, 'data');
}

test('the results and payloads of a runtime are for their owner alone', async () => {
  const data = folder();
  const packing = createPacking({ compress: false, codecs: [] });
  const storage = createFolderStorage(join(data, 'payloads'));
  await storage.write('a/b', Buffer.from('x'));
  expect(modeOf(join(data, 'payloads'))).toBe(0o700);
  const run = async () => {
    const db = await openDatabase(join(data, 'results.db'));
    const table = new ResultTable(db, packing, createResults(storage, packing));
    await table.put('f', 'k', 1);
    const files = readdirSync(data).filter((name) => name.startsWith('results.db'));
    expect(files.map((name) => modeOf(join(data, name)))).toEqual(files.map(() => 0o600));
    db.close();
  };
  await run();
  chmodSync(join(data, 'results.db'), 0o644);
  await run();
  expect(modeOf(join(data, 'payloads', 'a', 'b'))).toBe(0o600);
  chmodSync(join(data, 'payloads'), 0o755);
  createFolderStorage(join(data, 'payloads'));
  expect(modeOf(join(data, 'payloads'))).toBe(0o700);
});

test('so is the key of the payloads', async () => {
  const data = folder();
  const packing = createPacking({ compress: false, codecs: [] });
  await createPayloads(createFolderStorage(join(data, 'payloads')), packing, 'scope').seal();
  expect(modeOf(join(data, 'payloads', 'keys', 'scope', '1'))).toBe(0o600);
});

test('a folder where none can be made is refused with a code', () => {
  // Node's own recursion spins there.
  expect(() => makeFolder('/proc/quorate-none')).toThrow(
    expect.objectContaining({ code: 'DATA_UNWRITABLE' }),
  );
});

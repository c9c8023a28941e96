import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createBroker } from '../../../src/broker/index.ts';
import { ownFolder } from '../../../src/broker/owner-only.ts';
import { writeReviewRecord } from '../../../src/cli/review-record.ts';
import { createFolderStorage, makeFolder } from '../../../src/storage/folder.ts';
import { createPacking } from '../../../src/storage/packing.ts';
import { createPayloads, createResults } from '../../../src/storage/payloads.ts';
import { openResultTable } from '../../../src/storage/result-table.ts';
import { queues, testClient } from './kit.ts';

const modeOf = (path: string) => statSync(path).mode & 0o7777;
/** What anybody but the owner may do with a folder and what lies in it. */
const openIn = (data: string) =>
  ['.', ...readdirSync(data)].filter((name) => (modeOf(join(data, name)) & 0o077) !== 0);

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'quorate-owner-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  const umask = process.umask(0o022);
  onTestFinished(() => void process.umask(umask));
  return join(path, 'data');
}

test('what a broker keeps is for its owner alone, also where it was open before', async () => {
  const data = folder();
  const run = async () => {
    const broker = await createBroker({ data, port: 0, ...queues({ name: 'q' }) });
    await testClient(broker).createSender('q').sendMessages({ body: 1 });
    expect(openIn(data)).toEqual([]);
    await broker.stop();
  };
  await run();
  chmodSync(data, 0o755);
  for (const name of readdirSync(data)) chmodSync(join(data, name), 0o644);
  await run();
  expect([modeOf(data), modeOf(join(data, 'broker.db'))]).toEqual([0o700, 0o600]);
});

test('so are the results and payloads of a runtime', async () => {
  const data = folder();
  const packing = createPacking({ compress: false, codecs: [] });
  const storage = createFolderStorage(join(data, 'payloads'));
  await storage.write('a/b', Buffer.from('x'));
  expect(modeOf(join(data, 'payloads'))).toBe(0o700);
  const run = async () => {
    const table = await openResultTable(join(data, 'results.db'), packing, createResults(storage, packing));
    await table.put('f', 'k', 1);
    const files = readdirSync(data).filter((name) => name.startsWith('results.db'));
    expect(files.map((name) => modeOf(join(data, name)))).toEqual(files.map(() => 0o600));
    table.close();
  };
  await run();
  chmodSync(join(data, 'results.db'), 0o644);
  await run();
  expect(modeOf(join(data, 'payloads', 'a', 'b'))).toBe(0o600);
  chmodSync(join(data, 'payloads'), 0o755);
  createFolderStorage(join(data, 'payloads'));
  expect(modeOf(join(data, 'payloads'))).toBe(0o700);
});

test('so are the key of the payloads, and the record of a review', async () => {
  const data = folder();
  const packing = createPacking({ compress: false, codecs: [] });
  await createPayloads(createFolderStorage(join(data, 'payloads')), packing, 'scope').seal();
  expect(modeOf(join(data, 'payloads', 'keys', 'scope', '1'))).toBe(0o600);
  await writeReviewRecord(join(data, 'new'), { run: 1 });
  expect([modeOf(join(data, 'new')), ...openIn(join(data, 'new'))]).toEqual([0o700]);
});

test('a folder that everybody shares stays as it is', () => {
  const data = folder();
  ownFolder(data);
  chmodSync(data, 0o1777);
  writeFileSync(join(data, 'of-somebody'), '');
  ownFolder(data);
  expect(modeOf(data)).toBe(0o1777);
});

test('a folder is made with all above it, and not for ever where none can be', () => {
  const data = join(folder(), 'a', 'b');
  ownFolder(data);
  expect([modeOf(data), modeOf(join(data, '..'))]).toEqual([0o700, 0o700]);
  writeFileSync(join(data, 'file'), '');
  for (const bad of [join(data, 'file'), join(data, 'file', 'x')]) expect(() => ownFolder(bad)).toThrow();
  // Node's own recursion spins there.
  expect(() => ownFolder('/proc/quorate-none')).toThrow('ENOENT');
  expect(() => makeFolder('/proc/quorate-none')).toThrow(
    expect.objectContaining({ code: 'DATA_UNWRITABLE' }),
  );
});

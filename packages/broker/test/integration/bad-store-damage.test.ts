import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ServiceBusClient } from '@azure/service-bus';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { createRandom } from '../../../../test/kit/random.ts';
import { type Broker, createBroker } from '../../src/index.ts';
import { testClient } from './kit.ts';

// Issue 3: a corrupted or truncated data file is refused with a clear line and left as it is, or served without harm.

const COUNT = 60;
const topology = { queues: [{ name: 'q' }, { name: 'actors', requiresSession: true }], topics: [] };
const KEYS = { RootManageSharedAccessKey: 'key' };

/** A folder that a broker has left, and one that a broker was torn from. */
const made = { whole: '', torn: '' };

beforeAll(async () => {
  made.whole = mkdtempSync(join(tmpdir(), 'broker-'));
  made.torn = mkdtempSync(join(tmpdir(), 'broker-'));
  const broker = await createBroker({ data: made.whole, port: 0, topology });
  const client = new ServiceBusClient(broker.connectionString);
  await client
    .createSender('q')
    .sendMessages(Array.from({ length: COUNT }, (_, body) => ({ body: 'x'.repeat(1000) + body })));
  await client.createSender('actors').sendMessages({ body: 's', sessionId: 'one' });
  // With its log, as kill -9 leaves it.
  cpSync(made.whole, made.torn, { recursive: true });
  await client.close();
  await broker.stop();
});

afterAll(() => {
  for (const folder of Object.values(made)) rmSync(folder, { recursive: true, force: true });
});

function copyOf(folder: string): { data: string; file: string } {
  const data = mkdtempSync(join(tmpdir(), 'broker-'));
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  cpSync(folder, data, { recursive: true });
  rmSync(join(data, 'broker.json'), { force: true });
  return { data, file: join(data, 'broker.db') };
}

const unreadable = { name: 'BrokerError', code: 'BROKER_DATA_UNREADABLE' };

async function refused(data: string, file: string): Promise<void> {
  const before = [file, `${file}-wal`].map((each) => existsSync(each) && readFileSync(each));
  await expect(createBroker({ data, port: 0 })).rejects.toMatchObject({ ...unreadable, details: { file } });
  expect([file, `${file}-wal`].map((each) => existsSync(each) && readFileSync(each))).toEqual(before);
}

/** What can be started serves what is left, and ends in order. */
async function served(broker: Broker): Promise<void> {
  const receiver = testClient(broker).createReceiver('q', { receiveMode: 'receiveAndDelete' });
  await receiver.receiveMessages(COUNT, { maxWaitTimeInMs: 300 }).catch(() => {});
  await broker.stop();
}

test('a file cut off anywhere is refused, or all of it was there', async () => {
  const size = statSync(join(made.whole, 'broker.db')).size;
  const random = createRandom();
  console.log(`seed ${random.seed}`);
  const places = [
    1,
    15,
    16,
    50,
    99,
    100,
    101,
    511,
    512,
    4095,
    4096,
    4097,
    8192,
    size >> 1,
    size - 4096,
    size - 1,
  ];
  for (let times = 0; times < 10; times += 1) places.push(1 + random.below(size - 1));
  for (const place of places) {
    const { data, file } = copyOf(made.whole);
    truncateSync(file, place);
    await refused(data, file);
  }
});

test('an empty file is refused where a broker has kept data before, and a new one where none has', async () => {
  const { data, file } = copyOf(made.whole);
  truncateSync(file, 0);
  await refused(data, file);
  rmSync(join(data, 'key'));
  const broker = await createBroker({ data, port: 0, topology });
  expect(await broker.status()).toMatchObject([{ active: 0 }, {}]);
  await broker.stop();
});

test('a log that is none is refused, and one that is torn is read as far as it goes', async () => {
  const { data, file } = copyOf(made.torn);
  expect(statSync(`${file}-wal`).size).toBeGreaterThan(0);
  const log = readFileSync(`${file}-wal`);
  writeFileSync(`${file}-wal`, Buffer.alloc(log.length, 0xaa));
  await refused(data, file);
  writeFileSync(`${file}-wal`, log.subarray(0, log.length - 10));
  const torn = await createBroker({ data, port: 0 });
  await served(torn);
});

test('a folder in the place of the file is refused, and a file in the place of the folder', async () => {
  const { data, file } = copyOf(made.whole);
  rmSync(file);
  mkdirSync(file);
  await expect(createBroker({ data, port: 0 })).rejects.toMatchObject({ ...unreadable, details: { file } });
  const inTheWay = join(data, 'key');
  await expect(createBroker({ data: inTheWay, port: 0 })).rejects.toMatchObject(unwritable(inTheWay));
});

test("another program's database is refused", async () => {
  const { data, file } = copyOf(made.whole);
  rmSync(file);
  const other = new DatabaseSync(file);
  other.exec('CREATE TABLE notes (text TEXT)');
  other.close();
  await refused(data, file);
});

/** Nothing is wrong with the data: only its place cannot be written. */
function unwritable(file: string) {
  return { name: 'BrokerError', code: 'BROKER_DATA_UNWRITABLE', message: expect.stringContaining(file) };
}

test('a file that may not be written is refused', async () => {
  const { data, file } = copyOf(made.whole);
  chmodSync(data, 0o555);
  chmodSync(file, 0o444);
  onTestFinished(() => chmodSync(data, 0o755));
  await asNobody(() => expect(createBroker({ data, port: 0 })).rejects.toMatchObject(unwritable(data)));
});

/** Root may write everything. */
async function asNobody(work: () => Promise<void>): Promise<void> {
  if (process.getuid?.() !== 0) return work();
  process.seteuid?.('nobody');
  try {
    await work();
  } finally {
    process.seteuid?.(0);
  }
}

test('bytes changed anywhere: the file is refused, or what is left is served and nothing falls over', async () => {
  const random = createRandom();
  console.log(`seed ${random.seed}`);
  const good = readFileSync(join(made.whole, 'broker.db'));
  let starts = 0;
  for (let times = 0; times < 60; times += 1) {
    const { data, file } = copyOf(made.whole);
    const bytes = Buffer.from(good);
    for (let changes = 1 + random.below(20); changes > 0; changes -= 1) {
      bytes[random.below(bytes.length)] = random.below(256);
    }
    writeFileSync(file, bytes);
    const outcome = await createBroker({ data, port: 0, keys: KEYS }).catch((error: unknown) => error);
    if (outcome instanceof Error) {
      expect(outcome).toMatchObject(unreadable);
      expect(readFileSync(file).equals(bytes)).toBe(true);
    } else {
      starts += 1;
      await served(outcome as Broker);
    }
  }
  // Most of the file is the text of messages.
  expect(starts).toBeGreaterThan(0);
});

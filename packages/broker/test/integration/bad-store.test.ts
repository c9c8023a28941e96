import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createBroker } from '../../src/index.ts';
import { testClient } from './kit.ts';

const topology = { queues: [{ name: 'q' }, { name: 'actors', requiresSession: true }], topics: [] };

function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'broker-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('a full store refuses sends with QuotaExceeded, still settles, and keeps what it acknowledged', async () => {
  const data = dataFolder();
  const first = await createBroker({ data, port: 0, topology, maxPages: 120 });
  const client = testClient(first);
  const sender = client.createSender('q');
  const big = 'x'.repeat(20_000);
  let accepted = 0;
  const fill = async () => {
    for (; accepted < 100; accepted += 1)
      await sender.sendMessages({ body: big, messageId: String(accepted) });
  };
  await expect(fill()).rejects.toMatchObject({ code: 'QuotaExceeded' });
  expect(accepted).toBeGreaterThan(5);
  // In one commit with sends that fail, what frees space succeeds.
  const receiver = client.createReceiver('q');
  const [one, two] = await receiver.receiveMessages(2);
  if (!one || !two) throw new Error('nothing received');
  const attempts = await Promise.allSettled([
    sender.sendMessages({ body: big.repeat(10) }),
    receiver.completeMessage(one),
    sender.sendMessages({ body: big.repeat(10) }),
  ]);
  expect(attempts.map((attempt) => attempt.status)).toEqual(['rejected', 'fulfilled', 'rejected']);
  await receiver.deadLetterMessage(two);
  await sender.sendMessages({ body: 'fits again' });
  await expect(first.status()).resolves.toMatchObject([{ active: accepted - 1, deadLettered: 1 }, {}]);
  await first.stop();

  const second = await createBroker({ data, port: 0 });
  onTestFinished(() => second.stop());
  expect(await second.status()).toMatchObject([{ active: accepted - 1, deadLettered: 1 }, {}]);
});

async function filled(): Promise<string> {
  const data = dataFolder();
  const broker = await createBroker({ data, port: 0, topology });
  const client = testClient(broker);
  await client
    .createSender('q')
    .sendMessages(Array.from({ length: 200 }, (_, body) => ({ body: 'x'.repeat(1000) + body })));
  await client.close();
  await broker.stop();
  return data;
}

const damages: [string, (file: string) => void][] = [
  ['cut off', (file) => truncateSync(file, Math.floor(statSync(file).size / 2))],
  [
    'overwritten in the middle',
    (file) => {
      const bytes = readFileSync(file);
      bytes.fill(0xaa, 8192, 8192 * 4);
      writeFileSync(file, bytes);
    },
  ],
  [
    'something else',
    (file) => writeFileSync(file, 'this is no database, it is a text that somebody put here. '.repeat(20)),
  ],
];

test.each(damages)('a data file that is %s is refused by name and left as it is', async (_, damage) => {
  const data = await filled();
  const file = join(data, 'broker.db');
  damage(file);
  const before = readFileSync(file);
  await expect(createBroker({ data, port: 0 })).rejects.toMatchObject({
    name: 'BrokerError',
    code: 'BROKER_DATA_UNREADABLE',
    details: { file },
  });
  expect(readFileSync(file).equals(before)).toBe(true);
});

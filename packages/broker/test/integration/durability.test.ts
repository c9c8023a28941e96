import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readBrokerRecord, startBroker } from '../../src/index.ts';
import { testClient } from './kit.ts';

function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'broker-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const topology = { queues: [{ name: 'orders' }, { name: 'actors', requiresSession: true }], topics: [] };

test('a broker in its own thread keeps its messages, key and states over a restart', async () => {
  const data = dataFolder();
  const first = await startBroker({ data, port: 0, topology });
  expect(readBrokerRecord(data)).toMatchObject({ pid: process.pid, port: first.port });
  expect(statSync(join(data, 'key')).mode & 0o777).toBe(0o600);
  const before = testClient(first);
  await before.createSender('orders').sendMessages({ body: 'kept' });
  const session = await before.acceptSession('actors', 'one');
  await session.setSessionState({ turn: 7 });
  await first.stop();
  expect(await first.closed).toEqual({ reason: 'stopped' });

  const second = await startBroker({ data, port: 0 });
  onTestFinished(() => second.stop());
  const after = testClient(second);
  const [message] = await after.createReceiver('orders').receiveMessages(1);
  expect(message).toMatchObject({ body: 'kept', deliveryCount: 0 });
  expect(await (await after.acceptSession('actors', 'one')).getSessionState()).toEqual({ turn: 7 });
});

test('a second broker on the same data is refused and told who has it', async () => {
  const data = dataFolder();
  const first = await startBroker({ data, port: 0, topology });
  onTestFinished(() => first.stop());
  await expect(startBroker({ data, port: 0 })).rejects.toMatchObject({
    name: 'BrokerError',
    code: 'BROKER_DATA_IN_USE',
    message: expect.stringContaining(`process ${process.pid}, port ${first.port}`),
    details: { pid: process.pid, port: first.port },
  });
});

test('a port in use is refused by name', async () => {
  const first = await startBroker({ data: { memory: true }, port: 0 });
  onTestFinished(() => first.stop());
  await expect(startBroker({ data: { memory: true }, port: first.port })).rejects.toMatchObject({
    code: 'BROKER_PORT_IN_USE',
    details: { port: first.port },
  });
});

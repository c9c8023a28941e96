import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventContext } from 'rhea';
import { expect, onTestFinished, test } from 'vitest';
import { createBroker } from '../../src/index.ts';
import { queues, testBroker, testClient } from './kit.ts';
import { rawClient } from './raw-client.ts';

// learn.microsoft.com/azure/service-bus-messaging/message-browsing and .../message-sessions; the empty session id:
// github.com/Azure/azure-sdk-for-js, sdk/servicebus/service-bus/test/public/sessionsTests.spec.ts

test('the empty string is a session like any other', async () => {
  const broker = await testBroker(queues({ name: 'q', requiresSession: true }));
  const { connection } = await rawClient(broker);
  const sender = connection.open_sender('q');
  await new Promise((resolve) => sender.once('sendable', resolve));
  sender.send({ body: 'nameless', group_id: '' });
  await new Promise((resolve) => sender.once('accepted', resolve));
  const receiver = connection.open_receiver({
    source: { address: 'q', filter: { 'com.microsoft:session-filter': '' } } as never,
  });
  const { message } = await new Promise<EventContext>((resolve) => receiver.once('message', resolve));
  expect(message).toMatchObject({ body: 'nameless', group_id: '' });
});

test('peek finds what is locked, scheduled at a topic, or dead, and ends without an error', async () => {
  const broker = await testBroker({
    topology: { queues: [{ name: 'q' }], topics: [{ name: 't', subscriptions: [{ name: 's' }] }] },
  });
  const client = testClient(broker);
  expect(await client.createReceiver('q').peekMessages(1)).toEqual([]);
  await client.createSender('q').sendMessages([{ body: 1 }, { body: 2 }]);
  const receiver = client.createReceiver('q');
  const [first] = await receiver.receiveMessages(1);
  expect((await client.createReceiver('q').peekMessages(10)).map(({ body }) => body)).toEqual([1, 2]);
  if (first) await receiver.deadLetterMessage(first);
  const dead = client.createReceiver('q', { subQueueType: 'deadLetter' });
  expect(await dead.peekMessages(10)).toMatchObject([{ body: 1, deadLetterSource: 'q' }]);
  await client.createSender('t').scheduleMessages({ body: 3 }, new Date(Date.now() + 60_000));
  expect(await client.createReceiver('t', 's').peekMessages(1)).toEqual([]);
  const raw = await rawClient(broker);
  const reply = await raw.manage(
    't',
    { operation: 'com.microsoft:peek-message' },
    { 'from-sequence-number': 0, 'message-count': 10 },
  );
  expect(reply.body['messages']).toHaveLength(1);
});

test('rules and forwarding are there after a restart, and a topology without rules leaves them', async () => {
  const data = mkdtempSync(join(tmpdir(), 'quorate-corners-'));
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  const topology = {
    queues: [{ name: 'out' }],
    topics: [{ name: 't', subscriptions: [{ name: 's', forwardTo: 'out' }] }],
  };
  const before = await createBroker({ data, port: 0, topology });
  const manager = testClient(before).createRuleManager('t', 's');
  await manager.deleteRule('$Default');
  await manager.createRule('blue', { sqlExpression: "color = 'blue'" }, { sqlExpression: 'SET n = 1' });
  await before.stop();
  const broker = await testBroker({ data, topology });
  const client = testClient(broker);
  await client.createSender('t').sendMessages([
    { body: 1, applicationProperties: { color: 'red' } },
    { body: 2, applicationProperties: { color: 'blue' } },
  ]);
  expect(await client.createReceiver('out').receiveMessages(1)).toMatchObject([
    { body: 2, applicationProperties: { color: 'blue', n: 1, RuleName: 'blue' } },
  ]);
});

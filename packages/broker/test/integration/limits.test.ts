import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Broker, createBroker } from '../../src/index.ts';
import { adminClient } from './admin-client.ts';
import { queues, testBroker, testClient, VirtualClock } from './kit.ts';
import { rawClient } from './raw-client.ts';

// learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas, .../service-bus-throttling and .../batch-delete

const MB = 1024 * 1024;

test('premium takes what an entity allows, up to 100 MB, and batches of 1 MB', async () => {
  const broker = await testBroker({
    ...queues({ name: 'usual' }, { name: 'large', maxMessageSizeInKilobytes: 4096 }),
    tier: 'premium',
  });
  const client = testClient(broker);
  const usual = client.createSender('usual');
  const large = client.createSender('large');
  await usual.sendMessages({ body: 'x'.repeat(MB - 1000) });
  await expect(usual.sendMessages({ body: 'x'.repeat(MB) })).rejects.toMatchObject({
    code: 'MessageSizeExceeded',
  });
  await large.sendMessages({ body: 'x'.repeat(3 * MB) });
  await expect(large.sendMessages([{ body: 'x'.repeat(2 * MB) }])).rejects.toMatchObject({
    code: 'MessageSizeExceeded',
  });
  const [message] = await client.createReceiver('large').receiveMessages(1);
  expect(message?.body).toHaveLength(3 * MB);
});

// .../message-sessions: a state is as large as one message may be, 1 MB in the premium tier.
test('a session state has up to 1 MB in the premium tier', async () => {
  const broker = await testBroker({ ...queues({ name: 'q', requiresSession: true }), tier: 'premium' });
  const session = await testClient(broker).acceptSession('q', 's');
  const state = 'x'.repeat(MB - 2);
  await session.setSessionState(state);
  expect(await session.getSessionState()).toBe(state);
  await expect(session.setSessionState(`${state}x`)).rejects.toMatchObject({ code: 'MessageSizeExceeded' });
});

test('the standard tier stays at 256 KB whatever an entity says', async () => {
  const client = testClient(await testBroker(queues({ name: 'q', maxMessageSizeInKilobytes: 4096 })));
  await expect(client.createSender('q').sendMessages({ body: 'x'.repeat(256 * 1024) })).rejects.toMatchObject(
    { code: 'MessageSizeExceeded' },
  );
});

// service-bus-quotas: a queue or topic is full when its messages fill it, dead letters too; what is above it is refused.
test('dead letters and the copies of a topic count, room comes back, and a larger size is room at once', async () => {
  const sized = (name: string) => ({ name, maxSizeInMegabytes: 1 });
  const broker = await testBroker({
    topology: {
      queues: [sized('q')],
      topics: [{ ...sized('t'), subscriptions: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] }],
    },
  });
  const client = testClient(broker);
  const full = { code: 'QuotaExceeded' };
  const message = { body: 'x'.repeat(200_000) };
  const [queue, topic] = [client.createSender('q'), client.createSender('t')];
  for (let count = 0; count < 5; count += 1) await queue.sendMessages(message);
  const receiver = client.createReceiver('q');
  for (const each of await receiver.receiveMessages(5)) await receiver.deadLetterMessage(each);
  await expect(queue.sendMessages(message)).rejects.toMatchObject(full);
  await client
    .createReceiver('q', { subQueueType: 'deadLetter', receiveMode: 'receiveAndDelete' })
    .receiveMessages(1);
  await queue.sendMessages(message);
  await broker.declare({ queues: [{ name: 'q', maxSizeInMegabytes: 2 }], topics: [] });
  await queue.sendMessages(message);
  await topic.sendMessages(message);
  await topic.sendMessages(message);
  await expect(topic.sendMessages(message)).rejects.toMatchObject(full);
});

test('what is scheduled has a size, in the runtime properties and against the limit, over a restart', async () => {
  const data = mkdtempSync(join(tmpdir(), 'broker-'));
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  const sized = { maxSizeInMegabytes: 1 };
  const topology = {
    queues: [{ name: 'q', ...sized }],
    topics: [{ name: 't', ...sized, subscriptions: [{ name: 's' }] }],
  };
  const later = new Date(Date.now() + 600_000);
  const message = { body: 'x'.repeat(200_000) };
  const first = await createBroker({ data, port: 0, topology });
  onTestFinished(() => first.stop());
  const before = testClient(first);
  const sizesIn = async (broker: Broker) => {
    const admin = adminClient(broker);
    const of = await Promise.all([
      admin.getQueueRuntimeProperties('q'),
      admin.getTopicRuntimeProperties('t'),
    ]);
    return of.map(({ sizeInBytes }) => Math.floor((sizeInBytes ?? 0) / 200_000));
  };
  for (const name of ['q', 't']) {
    await before.createSender(name).scheduleMessages([message, message, message, message], later);
  }
  expect(await sizesIn(first)).toEqual([4, 4]);
  await before.close();
  await first.stop();

  const broker = await testBroker({ data, topology });
  expect(await sizesIn(broker)).toEqual([4, 4]);
  const client = testClient(broker);
  for (const name of ['q', 't']) {
    const sender = client.createSender(name);
    const [number] = await sender.scheduleMessages(message, later);
    await expect(sender.sendMessages(message)).rejects.toMatchObject({ code: 'QuotaExceeded' });
    if (number) await sender.cancelScheduledMessages(number);
    await sender.sendMessages(message);
  }
  expect(await sizesIn(broker)).toEqual([5, 5]);
});

test('throttling answers server-busy until credits are there again', async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({
    ...queues({ name: 'q' }),
    throttling: { operationsPerSecond: 5 },
    clock,
  });
  const sender = testClient(broker).createSender('q');
  await sender.sendMessages([1, 2, 3, 4, 5].map((body) => ({ body })));
  await expect(sender.sendMessages({ body: 6 })).rejects.toMatchObject({
    code: 'ServiceBusy',
    message: expect.stringContaining('50009'),
  });
  await expect(sender.scheduleMessages({ body: 7 }, new Date(clock.now() + 60_000))).rejects.toMatchObject({
    code: 'ServiceBusy',
  });
  clock.advance(200);
  await sender.sendMessages({ body: 8 });
  expect(await broker.status()).toMatchObject([{ active: 6, scheduled: 0 }]);
});

test('batch delete takes what waits and came before a time, oldest first', async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({ ...queues({ name: 'q' }), clock });
  const client = testClient(broker);
  const sender = client.createSender('q');
  await sender.sendMessages([{ body: 1 }, { body: 2 }, { body: 3 }]);
  const [locked] = await client.createReceiver('q').receiveMessages(1);
  expect(locked?.body).toBe(1);
  const before = new Date(clock.now());
  clock.advance(1000);
  await sender.sendMessages({ body: 4 });
  const raw = await rawClient(broker);
  const remove = (count: number) =>
    raw.manage(
      'q',
      { operation: 'com.microsoft:batch-delete-messages' },
      { 'message-count': count, 'enqueued-time-utc': before },
    );
  expect(await remove(1)).toMatchObject({ properties: { statusCode: 200 }, body: { 'message-count': 1 } });
  expect(await remove(100)).toMatchObject({ properties: { statusCode: 200 }, body: { 'message-count': 1 } });
  // None left is a count too; clients take anything else for an error (github.com/Azure/azure-sdk-for-js/pull/39309).
  expect(await remove(100)).toMatchObject({ properties: { statusCode: 200 }, body: { 'message-count': 0 } });
  const left = await client.createReceiver('q').peekMessages(10);
  expect(left.map(({ body }) => body)).toEqual([1, 4]);
});

// learn.microsoft.com/azure/service-bus-messaging/batch-delete; the text is in github.com/Azure/azure-sdk-for-js/issues/34274
test.each([
  ['standard', 500],
  ['premium', 4000],
] as const)('batch delete takes at most so many at once in the %s tier: %d', async (tier, max) => {
  const raw = await rawClient(await testBroker({ ...queues({ name: 'q' }), tier }));
  const remove = async (count: number) => {
    const { properties } = await raw.manage(
      'q',
      { operation: 'com.microsoft:batch-delete-messages' },
      { 'message-count': count, 'enqueued-time-utc': new Date() },
    );
    return properties;
  };
  expect(await remove(max)).toMatchObject({ statusCode: 200 });
  expect(await remove(max + 1)).toMatchObject({
    statusCode: 400,
    errorCondition: 'com.microsoft:argument-out-of-range',
    statusDescription: `Invalid Message Count : requested ${max + 1}. Message count should be between 1 and ${max}.`,
  });
  expect(await remove(0)).toMatchObject({ errorCondition: 'com.microsoft:argument-out-of-range' });
});

test('batch delete in a session queue is for one session', async () => {
  const broker = await testBroker(queues({ name: 'q', requiresSession: true }));
  const client = testClient(broker);
  await client.createSender('q').sendMessages([
    { body: 1, sessionId: 'a' },
    { body: 2, sessionId: 'b' },
  ]);
  const raw = await rawClient(broker);
  const request = { 'message-count': 10, 'enqueued-time-utc': new Date(Date.now() + 1000) };
  const operation = { operation: 'com.microsoft:batch-delete-messages' };
  expect(await raw.manage('q', operation, request)).toMatchObject({
    properties: { errorCondition: 'amqp:not-allowed' },
  });
  expect(await raw.manage('q', operation, { ...request, 'session-id': 'a' })).toMatchObject({
    body: { 'message-count': 1 },
  });
  expect(await broker.status()).toMatchObject([{ active: 1, sessions: 1 }]);
});

import { expect, test } from 'vitest';
import { queues, settled, testBroker, testClient, VirtualClock } from './kit.ts';

// learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-protocol-guide, .../service-bus-quotas,
// .../duplicate-detection; batches: github.com/Azure/azure-sdk-for-js, sdk/servicebus/service-bus/src/serviceBusMessageBatch.ts

test('every body type, property and annotation comes back as it was sent', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const client = testClient(broker);
  const sender = client.createSender('q');
  const plain = {
    body: { deep: [1, 'two', null, 3.5] },
    messageId: 'id',
    correlationId: 'corr',
    contentType: 'application/json',
    subject: 'label',
    to: 'to',
    replyTo: 'reply',
    replyToSessionId: 'rs',
    partitionKey: 'pk',
    timeToLive: 60_000,
    applicationProperties: {
      s: 'x',
      n: 1,
      f: 1.5,
      b: true,
      d: new Date(1_700_000_000_000),
      big: 2 ** 40,
      neg: -5,
    },
  };
  await sender.sendMessages(plain);
  await sender.sendMessages({ bodyType: 'sequence', body: [1, 'a', true] });
  await sender.sendMessages({ bodyType: 'value', body: { v: 1 } });
  await sender.sendMessages({ body: Buffer.from([0, 1, 2, 255]) });
  const [a, b, c, d] = await client.createReceiver('q').receiveMessages(4);
  // The SDK turns dates into numbers on its way out.
  const { d: date, ...others } = plain.applicationProperties;
  expect(a).toMatchObject({ ...plain, applicationProperties: { ...others, d: date.getTime() } });
  expect(a?.expiresAtUtc?.getTime()).toBe((a?.enqueuedTimeUtc?.getTime() ?? 0) + 60_000);
  expect(b).toMatchObject({ body: [1, 'a', true], messageId: expect.stringMatching(/^[0-9a-f]{32}$/) });
  expect([b?._rawAmqpMessage.bodyType, c?._rawAmqpMessage.bodyType]).toEqual(['sequence', 'value']);
  expect(c?.body).toEqual({ v: 1 });
  expect(d?.body).toEqual(Buffer.from([0, 1, 2, 255]));
});

test('batches keep their order, and messages of many frames arrive whole', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const client = testClient(broker);
  const sender = client.createSender('q');
  const batch = await sender.createMessageBatch();
  expect(batch.maxSizeInBytes).toBe(262_144);
  for (let n = 0; n < 50; n += 1) batch.tryAddMessage({ body: n });
  await sender.sendMessages(batch);
  await sender.sendMessages({ body: 'x'.repeat(200_000) });
  const messages = await client.createReceiver('q').receiveMessages(51);
  expect(messages.slice(0, 50).map((message) => message.body)).toEqual(
    Array.from({ length: 50 }, (_, n) => n),
  );
  expect(messages[50]?.body).toHaveLength(200_000);
});

test('a message over the limit is refused and leaves nothing behind', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const sender = testClient(broker).createSender('q');
  await expect(sender.sendMessages({ body: 'x'.repeat(262_144) })).rejects.toMatchObject({
    code: 'MessageSizeExceeded',
  });
  expect(await broker.status()).toMatchObject([{ active: 0 }]);
});

test('messages that are refused do not colour their neighbours', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const sender = testClient(broker).createSender('q');
  await sender.createMessageBatch();
  const tooLong = 'x'.repeat(262_144);
  const results = await Promise.allSettled(
    ['a', tooLong, 'b', 'c', tooLong].map((body) => sender.sendMessages({ body })),
  );
  expect(results.map(({ status }) => status)).toEqual([
    'fulfilled',
    'rejected',
    'fulfilled',
    'fulfilled',
    'rejected',
  ]);
  expect(await broker.status()).toMatchObject([{ active: 3 }]);
});

test('a session queue takes no message without a session', async () => {
  const broker = await testBroker(queues({ name: 'q', requiresSession: true }));
  const sender = testClient(broker).createSender('q');
  await expect(sender.sendMessages({ body: 1 })).rejects.toThrow(/SessionId was not set on a message/);
});

test('an entity at its size limit refuses with QuotaExceeded and takes again when emptied', async () => {
  const broker = await testBroker(queues({ name: 'q', maxSizeInMegabytes: 1 }));
  const client = testClient(broker);
  const sender = client.createSender('q');
  const big = { body: 'x'.repeat(200_000) };
  for (let n = 0; n < 5; n += 1) await sender.sendMessages(big);
  await expect(sender.sendMessages(big)).rejects.toMatchObject({ code: 'QuotaExceeded' });
  const receiver = client.createReceiver('q', { receiveMode: 'receiveAndDelete' });
  await receiver.receiveMessages(2);
  await sender.sendMessages(big);
});

test('a duplicate within the window is accepted and dropped, scheduled ones included', async () => {
  const clock = new VirtualClock();
  const entity = { name: 'q', requiresDuplicateDetection: true, duplicateDetectionHistoryTimeWindow: 'PT1M' };
  const broker = await testBroker({ ...queues(entity), clock });
  const client = testClient(broker);
  const sender = client.createSender('q');
  await sender.sendMessages({ body: 1, messageId: 'a' });
  await sender.sendMessages([
    { body: 2, messageId: 'a' },
    { body: 3, messageId: 'b' },
    { body: 4, messageId: 'b' },
  ]);
  await sender.scheduleMessages({ body: 5, messageId: 'a' }, new Date(clock.now() + 1000));
  await sender.scheduleMessages({ body: 6, messageId: 'c' }, new Date(clock.now() + 1000));
  await sender.sendMessages({ body: 7, messageId: 'c' });
  expect(await broker.counters()).toMatchObject({ duplicates: 4 });
  clock.advance(2000);
  await settled();
  const receiver = client.createReceiver('q', { receiveMode: 'receiveAndDelete' });
  expect(
    (await receiver.receiveMessages(10, { maxWaitTimeInMs: 200 })).map((message) => message.body),
  ).toEqual([1, 3, 6]);
  clock.advance(59_000);
  await sender.sendMessages({ body: 8, messageId: 'a' });
  expect((await receiver.receiveMessages(1)).map((message) => message.body)).toEqual([8]);
});

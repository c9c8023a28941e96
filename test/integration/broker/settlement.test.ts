import { expect, test } from 'vitest';
import { queues, settled, testBroker, testClient, VirtualClock } from './kit.ts';

// facts/service-bus.md 1.6, 1.7 and 5; learn.microsoft.com/azure/service-bus-messaging/message-transfers-locks-settlement

const MINUTE = 60_000;

test('a message abandoned until its limit is dead-lettered by the system with the count it had', async () => {
  const broker = await testBroker(queues({ name: 'q', maxDeliveryCount: 3 }));
  const client = testClient(broker);
  await client.createSender('q').sendMessages({ body: 'x' });
  const receiver = client.createReceiver('q');
  const counts: (number | undefined)[] = [];
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const [message] = await receiver.receiveMessages(1);
    counts.push(message?.deliveryCount);
    if (message) await receiver.abandonMessage(message);
  }
  expect(counts).toEqual([0, 1, 2]);
  const [dead] = await client.createReceiver('q', { subQueueType: 'deadLetter' }).receiveMessages(1);
  expect(dead).toMatchObject({
    body: 'x',
    deliveryCount: 3,
    deadLetterReason: 'MaxDeliveryCountExceeded',
    deadLetterErrorDescription: 'Message could not be consumed after 3 delivery attempts.',
    deadLetterSource: 'q',
  });
});

test('an abandoned message comes again before its successors, with the properties to modify', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const client = testClient(broker);
  await client
    .createSender('q')
    .sendMessages([{ body: 1, applicationProperties: { keep: 'k', change: 1 } }, { body: 2 }]);
  const receiver = client.createReceiver('q');
  const [first] = await receiver.receiveMessages(1);
  if (first) await receiver.abandonMessage(first, { change: 2, added: true });
  const both = await receiver.receiveMessages(2);
  expect(both.map((message) => message.body)).toEqual([1, 2]);
  expect(both[0]?.applicationProperties).toEqual({ keep: 'k', change: 2, added: true });
});

test('a dead-lettered message carries reason, description and properties', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const client = testClient(broker);
  await client.createSender('q').sendMessages({ body: 'x', applicationProperties: { a: 1 } });
  const receiver = client.createReceiver('q');
  const [message] = await receiver.receiveMessages(1);
  if (message) {
    await receiver.deadLetterMessage(message, {
      deadLetterReason: 'Broken',
      deadLetterErrorDescription: 'cannot be read',
      extra: 5,
    });
  }
  const deadLetters = client.createReceiver('q', { subQueueType: 'deadLetter' });
  const [dead] = await deadLetters.receiveMessages(1);
  expect(dead).toMatchObject({ deadLetterReason: 'Broken', deadLetterErrorDescription: 'cannot be read' });
  expect(dead?.applicationProperties).toMatchObject({ a: 1, extra: 5 });
  expect(await broker.status()).toMatchObject([{ active: 0, deadLettered: 1 }]);
  if (dead) await deadLetters.completeMessage(dead);
  expect(await broker.status()).toMatchObject([{ active: 0, deadLettered: 0 }]);
});

test('a message can be dead-lettered without a reason', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const client = testClient(broker);
  await client.createSender('q').sendMessages({ body: 'x' });
  const receiver = client.createReceiver('q');
  const [message] = await receiver.receiveMessages(1);
  if (message) await receiver.deadLetterMessage(message);
  const [dead] = await client.createReceiver('q', { subQueueType: 'deadLetter' }).receiveMessages(1);
  expect(dead).toMatchObject({ body: 'x', deadLetterReason: undefined });
});

test('a deferred message leaves the order and is reached by its number only, locked and settled like any other', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const client = testClient(broker);
  await client.createSender('q').sendMessages([{ body: 1 }, { body: 2 }]);
  const receiver = client.createReceiver('q');
  const [first] = await receiver.receiveMessages(1);
  if (!first?.sequenceNumber) throw new Error('nothing received');
  await receiver.deferMessage(first, { why: 'later' });
  const [second] = await receiver.receiveMessages(1);
  expect(second?.body).toBe(2);
  const [deferred] = await receiver.receiveDeferredMessages(first.sequenceNumber);
  expect(deferred).toMatchObject({
    body: 1,
    state: 'deferred',
    deliveryCount: 1,
    applicationProperties: { why: 'later' },
  });
  await expect(receiver.receiveDeferredMessages(first.sequenceNumber)).rejects.toMatchObject({
    code: 'MessageNotFound',
  });
  if (deferred) await receiver.abandonMessage(deferred);
  const [again] = await receiver.receiveDeferredMessages(first.sequenceNumber);
  expect(again).toMatchObject({ deliveryCount: 2, state: 'deferred' });
  if (again) await receiver.completeMessage(again);
  await expect(receiver.receiveDeferredMessages(first.sequenceNumber)).rejects.toMatchObject({
    code: 'MessageNotFound',
  });
  expect(await broker.status()).toMatchObject([{ active: 1, deferred: 0 }]);
});

test('a lock that ends by time counts a delivery, the message comes again, and the late settlement is refused', async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({ ...queues({ name: 'q', lockDuration: 'PT30S' }), clock });
  const client = testClient(broker);
  await client.createSender('q').sendMessages({ body: 'x' });
  const receiver = client.createReceiver('q');
  const [message] = await receiver.receiveMessages(1);
  if (!message) throw new Error('nothing received');
  expect(message.lockedUntilUtc?.getTime()).toBe(clock.now() + 30_000);
  clock.advance(20_000);
  expect((await receiver.renewMessageLock(message)).getTime()).toBe(clock.now() + 30_000);
  clock.advance(29_999);
  await settled();
  expect(await broker.status()).toMatchObject([{ active: 1, locks: 1 }]);
  clock.advance(1);
  await settled();
  expect(await broker.status()).toMatchObject([{ active: 1, locks: 0 }]);
  await expect(receiver.completeMessage(message)).rejects.toMatchObject({ code: 'MessageLockLost' });
  await expect(receiver.renewMessageLock(message)).rejects.toMatchObject({ code: 'MessageLockLost' });
  const [again] = await receiver.receiveMessages(1);
  expect(again?.deliveryCount).toBe(1);
});

test('a lock outlives its link: the message can be settled over the management link', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const client = testClient(broker);
  await client.createSender('q').sendMessages([{ body: 1 }, { body: 2 }]);
  const receiver = client.createReceiver('q');
  const [one, two] = await receiver.receiveMessages(2);
  if (!one || !two) throw new Error('nothing received');
  await receiver.close();
  expect(await broker.status()).toMatchObject([{ active: 2, locks: 2 }]);
  const other = client.createReceiver('q');
  await other.completeMessage(one);
  await other.deadLetterMessage(two, { deadLetterReason: 'r', deadLetterErrorDescription: 'd' });
  expect(await broker.status()).toMatchObject([{ active: 0, locks: 0, deadLettered: 1 }]);
  const [dead] = await client.createReceiver('q', { subQueueType: 'deadLetter' }).receiveMessages(1);
  expect(dead).toMatchObject({ deadLetterReason: 'r', deadLetterErrorDescription: 'd' });
});

test('receive and delete removes messages as they are handed out', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const client = testClient(broker);
  await client.createSender('q').sendMessages([{ body: 1 }, { body: 2 }, { body: 3 }]);
  const receiver = client.createReceiver('q', { receiveMode: 'receiveAndDelete' });
  const messages = await receiver.receiveMessages(2);
  expect(messages.map((message) => message.body)).toEqual([1, 2]);
  expect(messages[0]?.lockToken).toBeUndefined();
  expect(await broker.status()).toMatchObject([{ active: 1, locks: 0 }]);
});

test('messages past their lock are given out again in their old order', async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({ ...queues({ name: 'q' }), clock });
  const client = testClient(broker);
  const sender = client.createSender('q');
  await sender.sendMessages([{ body: 1 }, { body: 2 }, { body: 3 }]);
  await client.createReceiver('q').receiveMessages(2);
  await sender.sendMessages({ body: 4 });
  clock.advance(MINUTE);
  await settled();
  const messages = await client.createReceiver('q').receiveMessages(4);
  expect(messages.map(({ body, deliveryCount }) => [body, deliveryCount])).toEqual([
    [1, 1],
    [2, 1],
    [3, 0],
    [4, 0],
  ]);
});

test('a dead letter queue is peeked, deferred in and received from like any other', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const client = testClient(broker);
  await client.createSender('q').sendMessages([{ body: 1 }, { body: 2 }]);
  const receiver = client.createReceiver('q');
  for (const message of await receiver.receiveMessages(2)) await receiver.deadLetterMessage(message);
  const dead = client.createReceiver('q', { subQueueType: 'deadLetter' });
  expect((await dead.peekMessages(5)).map((message) => message.body)).toEqual([1, 2]);
  const [one, two] = await dead.receiveMessages(2);
  if (!one?.sequenceNumber || !two) throw new Error('nothing received');
  await expect(dead.deadLetterMessage(two)).rejects.toThrow(/cannot be dead-lettered again/);
  await dead.deferMessage(one);
  const [deferred] = await dead.receiveDeferredMessages(one.sequenceNumber);
  if (deferred) await dead.completeMessage(deferred);
  expect(await broker.status()).toMatchObject([{ active: 0, deadLettered: 1 }]);
});

import Long from 'long';
import { expect, test } from 'vitest';
import { queues, settled, testBroker, testClient, VirtualClock } from './kit.ts';

// learn.microsoft.com/azure/service-bus-messaging/message-sequencing, message-expiration

test('a scheduled message is peekable, becomes active at its time with a new number at the tail', async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({ ...queues({ name: 'q' }), clock });
  const client = testClient(broker);
  const sender = client.createSender('q');
  const due = new Date(clock.now() + 10_000);
  const [number] = await sender.scheduleMessages({ body: 'later' }, due);
  await sender.sendMessages({ body: 'now' });
  const receiver = client.createReceiver('q');
  expect((await receiver.peekMessages(10)).map(({ body, state }) => [body, state])).toEqual([
    ['later', 'scheduled'],
    ['now', 'active'],
  ]);
  expect(await broker.status()).toMatchObject([{ active: 1, scheduled: 1 }]);
  clock.advance(10_000);
  await settled();
  const messages = await receiver.receiveMessages(2);
  expect(messages.map((message) => message.body)).toEqual(['now', 'later']);
  expect(messages[1]?.sequenceNumber?.toNumber()).toBe(3);
  expect(messages[1]?.enqueuedSequenceNumber).toBe(number?.toNumber());
  expect(messages[1]?.enqueuedTimeUtc).toEqual(due);
});

test('a cancelled schedule never fires; the annotation on a plain send schedules as well', async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({ ...queues({ name: 'q' }), clock });
  const sender = testClient(broker).createSender('q');
  const due = new Date(clock.now() + 1000);
  const numbers = await sender.scheduleMessages([{ body: 1 }, { body: 2 }], due);
  await sender.sendMessages({ body: 3, scheduledEnqueueTimeUtc: due });
  if (numbers[0]) await sender.cancelScheduledMessages(numbers[0]);
  // github.com/Azure/azure-service-bus/issues/239
  await expect(
    sender.cancelScheduledMessages([Long.fromNumber(999), numbers[1] ?? Long.ZERO]),
  ).rejects.toMatchObject({
    code: 'MessageNotFound',
    message: expect.stringContaining('Messages not found. Missing sequence numbers: 999'),
  });
  expect(await broker.status()).toMatchObject([{ scheduled: 2 }]);
  clock.advance(1000);
  await settled();
  expect(await broker.status()).toMatchObject([{ active: 2, scheduled: 0 }]);
});

test('a message past its time to live is dropped, or dead-lettered where the queue says so', async () => {
  const clock = new VirtualClock();
  const kept = { name: 'kept', deadLetteringOnMessageExpiration: true };
  const broker = await testBroker({ ...queues({ name: 'dropped' }, kept), clock });
  const client = testClient(broker);
  for (const name of ['dropped', 'kept']) {
    await client.createSender(name).sendMessages([{ body: 1, timeToLive: 1000 }, { body: 2 }]);
  }
  clock.advance(1000);
  await settled();
  expect(await broker.status()).toMatchObject([
    { name: 'dropped', active: 1, deadLettered: 0 },
    { name: 'kept', active: 1, deadLettered: 1 },
  ]);
  const [dead] = await client.createReceiver('kept', { subQueueType: 'deadLetter' }).receiveMessages(1);
  expect(dead).toMatchObject({ body: 1, deadLetterReason: 'TTLExpiredException' });
});

test("the entity's time to live is default and ceiling", async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({ ...queues({ name: 'q', defaultMessageTimeToLive: 'PT10S' }), clock });
  const sender = testClient(broker).createSender('q');
  await sender.sendMessages([{ body: 1 }, { body: 2, timeToLive: 60_000 }, { body: 3, timeToLive: 5000 }]);
  const peeked = await testClient(broker).createReceiver('q').peekMessages(3);
  const lives = peeked.map(({ expiresAtUtc }) =>
    Math.round(((expiresAtUtc?.getTime() ?? 0) - clock.now()) / 1000),
  );
  expect(lives).toEqual([10, 10, 5]);
  clock.advance(5000);
  await settled();
  expect(await broker.status()).toMatchObject([{ active: 2 }]);
  clock.advance(5000);
  await settled();
  expect(await broker.status()).toMatchObject([{ active: 0 }]);
});

test('expiry leaves a locked message alone until its lock ends, and a deferred one as long as nobody asks for it', async () => {
  const clock = new VirtualClock();
  const entity = { name: 'q', deadLetteringOnMessageExpiration: true, lockDuration: 'PT1M' };
  const broker = await testBroker({ ...queues(entity), clock });
  const client = testClient(broker);
  await client.createSender('q').sendMessages([1, 2, 3].map((body) => ({ body, timeToLive: 10_000 })));
  const receiver = client.createReceiver('q');
  const [one, two, three] = await receiver.receiveMessages(3);
  if (!one || !two?.sequenceNumber || !three) throw new Error('nothing received');
  await receiver.deferMessage(two);
  clock.advance(20_000);
  await settled();
  expect(await broker.status()).toMatchObject([{ active: 2, deferred: 1, deadLettered: 0 }]);
  await receiver.completeMessage(one);
  await receiver.abandonMessage(three);
  await settled();
  expect(await broker.status()).toMatchObject([{ active: 0, deferred: 1, deadLettered: 1 }]);
});

// github.com/Azure/azure-sdk-for-net/issues/30252: it is found to be over when somebody asks for it.
test.each([
  ['dead-lettered', true, 1],
  ['dropped', false, 0],
])('a deferred message past its time is %s when it is asked for', async (_, flag, deadLettered) => {
  const clock = new VirtualClock();
  const entity = { name: 'q', deadLetteringOnMessageExpiration: flag };
  const broker = await testBroker({ ...queues(entity), clock });
  const client = testClient(broker);
  await client.createSender('q').sendMessages([{ body: 1, timeToLive: 10_000 }, { body: 2 }]);
  const receiver = client.createReceiver('q');
  const [one, two] = await receiver.receiveMessages(2);
  if (!one?.sequenceNumber || !two?.sequenceNumber) throw new Error('nothing received');
  await receiver.deferMessage(one);
  await receiver.deferMessage(two);
  clock.advance(10_000);
  await settled();
  expect(await broker.status()).toMatchObject([{ deferred: 2, deadLettered: 0 }]);
  await expect(
    receiver.receiveDeferredMessages([two.sequenceNumber, one.sequenceNumber]),
  ).rejects.toMatchObject({ code: 'MessageNotFound' });
  await settled();
  expect(await broker.status()).toMatchObject([{ deferred: 1, deadLettered }]);
  const dead = client.createReceiver('q', { subQueueType: 'deadLetter' });
  expect(await dead.peekMessages(1)).toMatchObject(flag ? [{ deadLetterReason: 'TTLExpiredException' }] : []);
  expect(await receiver.receiveDeferredMessages(two.sequenceNumber)).toMatchObject([{ body: 2 }]);
});

test('scheduled messages live from their activation and join their session then', async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({ ...queues({ name: 'q', requiresSession: true }), clock });
  const client = testClient(broker);
  await client
    .createSender('q')
    .scheduleMessages({ body: 1, sessionId: 's', timeToLive: 5000 }, new Date(clock.now() + 60_000));
  const waiting = client.acceptNextSession('q');
  clock.advance(60_000);
  const session = await waiting;
  expect(await session.receiveMessages(1)).toMatchObject([{ body: 1 }]);
});

test('peek goes on from a number, shows every state, and needs no session but can have one', async () => {
  const broker = await testBroker(queues({ name: 'q', requiresSession: true }));
  const client = testClient(broker);
  await client.createSender('q').sendMessages([
    { body: 1, sessionId: 'a' },
    { body: 2, sessionId: 'b' },
    { body: 3, sessionId: 'a' },
  ]);
  const session = await client.acceptSession('q', 'a');
  expect((await session.peekMessages(10)).map((message) => message.body)).toEqual([1, 3]);
  const all = testClient(broker).createReceiver('q');
  expect((await all.peekMessages(2)).map((message) => message.body)).toEqual([1, 2]);
  expect((await all.peekMessages(2)).map((message) => message.body)).toEqual([3]);
  expect(await all.peekMessages(1, { fromSequenceNumber: Long.fromNumber(100) })).toEqual([]);
});

// service-bus-dead-letter-queues: "Time-to-live isn't observed" there, and messages stay until somebody takes them.
test('a dead letter does not expire', async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({ ...queues({ name: 'q', defaultMessageTimeToLive: 'PT1M' }), clock });
  const client = testClient(broker);
  await client.createSender('q').sendMessages({ body: 1, timeToLive: 30_000 });
  const receiver = client.createReceiver('q');
  const [message] = await receiver.receiveMessages(1);
  if (message) await receiver.deadLetterMessage(message);
  clock.advance(30 * 86_400_000);
  await settled();
  const dead = client.createReceiver('q', { subQueueType: 'deadLetter' });
  expect(await dead.receiveMessages(1)).toMatchObject([
    { body: 1, enqueuedTimeUtc: message?.enqueuedTimeUtc },
  ]);
});

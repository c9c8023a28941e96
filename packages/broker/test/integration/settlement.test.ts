import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import rhea, { type Delivery, type EventContext } from 'rhea';
import { expect, test } from 'vitest';
import { queues, settled, testBroker, testClient, VirtualClock } from './kit.ts';
import { rawClient } from './raw-client.ts';

// learn.microsoft.com/azure/service-bus-messaging/message-transfers-locks-settlement, .../message-deferral,
// .../service-bus-dead-letter-queues, .../service-bus-amqp-request-response; github.com/Azure/azure-sdk-for-js,
// sdk/servicebus/service-bus/test/public: receiveAndDeleteMode.spec.ts, renewLock.spec.ts, deferredMessage.spec.ts

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

// message-deferral and the client's receiveDeferredMessages: all of them, or an error.
test('one number that is not there fails the whole receipt, and leaves the others deferred', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const client = testClient(broker);
  await client.createSender('q').sendMessages({ body: 1 });
  const receiver = client.createReceiver('q');
  const [message] = await receiver.receiveMessages(1);
  if (!message?.sequenceNumber) throw new Error('nothing received');
  await receiver.deferMessage(message);
  const { sequenceNumber } = message;
  await expect(
    receiver.receiveDeferredMessages([sequenceNumber, sequenceNumber.add(1)]),
  ).rejects.toMatchObject({ code: 'MessageNotFound' });
  expect(await broker.status()).toMatchObject([{ deferred: 1, locks: 0 }]);
  expect(await receiver.receiveDeferredMessages(sequenceNumber)).toMatchObject([{ body: 1 }]);
});

// github.com/Azure/azure-sdk-for-net/issues/34662: the service takes a receiver of such a queue for one of a session
// without a link; this client names none unless it subscribes.
test('deferred dead letters of a session queue are for requests that name a link', async () => {
  const broker = await testBroker(queues({ name: 'q', requiresSession: true }));
  const client = testClient(broker);
  await client.createSender('q').sendMessages({ body: 1, sessionId: 's' });
  const session = await client.acceptSession('q', 's');
  const [message] = await session.receiveMessages(1);
  if (message) await session.deadLetterMessage(message);
  const dead = client.createReceiver('q', { subQueueType: 'deadLetter' });
  const [letter] = await dead.receiveMessages(1);
  if (!letter?.sequenceNumber) throw new Error('no dead letter');
  await dead.deferMessage(letter);
  await expect(dead.receiveDeferredMessages(letter.sequenceNumber)).rejects.toMatchObject({
    code: 'SessionLockLost',
  });
  const raw = await rawClient(broker);
  const asked = await raw.manage(
    'q/$DeadLetterQueue',
    { operation: 'com.microsoft:receive-by-sequence-number', 'associated-link-name': 'a link' },
    {
      'sequence-numbers': rhea.types.wrap_array([letter.sequenceNumber.toNumber()], 0x81, undefined),
      'receiver-settle-mode': rhea.types.wrap_uint(1),
    },
  );
  expect(asked.properties).toMatchObject({ statusCode: 200 });
});

// receiveAndDeleteMode.spec.ts: what is deferred is gone as soon as it is received.
test('a deferred message is received and deleted', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const client = testClient(broker);
  await client.createSender('q').sendMessages({ body: 1 });
  const [message] = await client.createReceiver('q').receiveMessages(1);
  if (!message?.sequenceNumber) throw new Error('nothing received');
  await client.createReceiver('q').deferMessage(message);
  const receiver = client.createReceiver('q', { receiveMode: 'receiveAndDelete' });
  const [deferred] = await receiver.receiveDeferredMessages(message.sequenceNumber);
  expect(deferred).toMatchObject({ body: 1, lockToken: undefined });
  expect(await broker.status()).toMatchObject([{ active: 0, deferred: 0, locks: 0 }]);
});

// service-bus-amqp-request-response#renew-lock takes several tokens; one that is lost fails all of them.
test('several locks are renewed in one request, or none', async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({ ...queues({ name: 'q', lockDuration: 'PT30S' }), clock });
  const client = testClient(broker);
  await client.createSender('q').sendMessages([{ body: 1 }, { body: 2 }]);
  const receiver = client.createReceiver('q');
  const [one, two] = await receiver.receiveMessages(2);
  if (!one?.lockToken || !two?.lockToken) throw new Error('too little received');
  const raw = await rawClient(broker);
  const tokens = [one.lockToken, two.lockToken].map((token) => Buffer.from(token.replaceAll('-', ''), 'hex'));
  const renew = (of: Buffer[]) =>
    raw.manage(
      'q',
      { operation: 'com.microsoft:renew-lock' },
      { 'lock-tokens': rhea.types.wrap_array(of, 0x98, undefined) },
    );
  clock.advance(20_000);
  const until = new Date(clock.now() + 30_000);
  expect((await renew(tokens)).body).toEqual({ expirations: [until, until] });
  await receiver.completeMessage(two);
  clock.advance(20_000);
  expect((await renew(tokens)).properties).toMatchObject({
    statusCode: 410,
    errorCondition: 'com.microsoft:message-lock-lost',
  });
  clock.advance(10_000);
  await settled();
  expect(await broker.status()).toMatchObject([{ active: 1, locks: 0 }]);
});

type Described = { described(): object };
const outcomes = rhea.message as unknown as { released(): Described; rejected(of: object): Described };

/** Receives one message by raw AMQP, does something with it, and gives what is left of it. */
async function outcomeOf(act: (delivery: Delivery) => void): Promise<ServiceBusReceivedMessage[]> {
  const broker = await testBroker(queues({ name: 'q' }));
  const client = testClient(broker);
  await client.createSender('q').sendMessages({ body: 1 });
  const { connection } = await rawClient(broker);
  const receiver = connection.open_receiver({
    source: 'q',
    autoaccept: false,
    autosettle: false,
    credit_window: 0,
  });
  receiver.add_credit(1);
  const { delivery } = await new Promise<EventContext>((resolve) => receiver.once('message', resolve));
  if (!delivery) throw new Error('nothing received');
  const done = new Promise((resolve) => receiver.once('settled', resolve));
  act(delivery);
  await done;
  const dead = await client.createReceiver('q', { subQueueType: 'deadLetter' }).peekMessages(1);
  return [...(await client.createReceiver('q').peekMessages(1)), ...dead];
}

// github.com/Azure/amqpnetlite/issues/342: the service counts what is modified, not what is released.
test('a released message is back without a count', async () => {
  const left = await outcomeOf((delivery) => delivery.update(false, outcomes.released().described()));
  expect(left).toMatchObject([{ body: 1, deliveryCount: 0 }]);
});

// A plain AMQP client rejects with an error of its own.
test('the error of a plain rejection is the reason of the dead letter', async () => {
  const error = { condition: 'example:broken', description: 'cannot be read' };
  const left = await outcomeOf((delivery) =>
    delivery.update(false, outcomes.rejected({ error }).described()),
  );
  expect(left).toMatchObject([
    { body: 1, deadLetterReason: 'example:broken', deadLetterErrorDescription: 'cannot be read' },
  ]);
});

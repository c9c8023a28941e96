import type {
  ServiceBusClient,
  ServiceBusReceivedMessage,
  ServiceBusSessionReceiver,
} from '@azure/service-bus';
import { expect, test } from 'vitest';
import { queues, settled, testBroker, testClient, VirtualClock } from './kit.ts';

// learn.microsoft.com/azure/service-bus-messaging/message-sessions: order within a session, the table "Message delivery
// count"; .../message-deferral, .../message-sequencing, .../message-expiration

const actors = { name: 'actors', requiresSession: true, lockDuration: 'PT30S' };

function send(client: ServiceBusClient, ...bodies: number[]): Promise<void> {
  return client.createSender('actors').sendMessages(bodies.map((body) => ({ body, sessionId: 's' })));
}

async function take(session: ServiceBusSessionReceiver, count: number): Promise<ServiceBusReceivedMessage[]> {
  const messages = await session.receiveMessages(count);
  expect(messages).toHaveLength(count);
  return messages;
}

const counts = (messages: ServiceBusReceivedMessage[]) =>
  messages.map(({ body, deliveryCount }) => [body, deliveryCount]);

// The table's rows: an expired lock counts, an explicit close does not, completed messages are gone.
test.each<[string, (clock: VirtualClock, session: ServiceBusSessionReceiver) => unknown, [number, number][]]>(
  [
    [
      'the lock expires',
      (clock) => clock.advance(30_000),
      [
        [2, 1],
        [3, 1],
        [4, 0],
      ],
    ],
    [
      'the session is closed',
      (_, session) => session.close(),
      [
        [2, 0],
        [3, 0],
        [4, 0],
      ],
    ],
  ],
)('what was received and not settled when %s comes again first', async (_, end, expected) => {
  const clock = new VirtualClock();
  const client = testClient(await testBroker({ ...queues(actors), clock }));
  await send(client, 1, 2, 3, 4);
  const first = await client.acceptSession('actors', 's');
  const [one] = await take(first, 3);
  if (one) await first.completeMessage(one);
  await end(clock, first);
  await settled();
  const second = await client.acceptSession('actors', 's');
  expect(counts(await take(second, 3))).toEqual(expected);
});

test('an abandoned message counts and comes again before its successors', async () => {
  const client = testClient(await testBroker(queues(actors)));
  await send(client, 1, 2, 3);
  const session = await client.acceptSession('actors', 's');
  const [one, two] = await take(session, 2);
  if (two) await session.abandonMessage(two);
  if (one) await session.abandonMessage(one);
  await send(client, 4);
  const again = await take(session, 4);
  // The second was free to be handed out before the first came back.
  expect(new Set(again.map(({ body }) => body as number))).toEqual(new Set([1, 2, 3, 4]));
  expect(counts(again).filter(([body]) => body === 1)).toEqual([[1, 1]]);
  expect(counts(again).filter(([body]) => body === 2)).toEqual([[2, 1]]);
  await session.close();
  const next = await client.acceptSession('actors', 's');
  expect(counts(await take(next, 4))).toEqual([
    [1, 1],
    [2, 1],
    [3, 0],
    [4, 0],
  ]);
});

test('a deferred message leaves the order, and when it is abandoned it stays deferred', async () => {
  const client = testClient(await testBroker(queues(actors)));
  await send(client, 1, 2, 3);
  const session = await client.acceptSession('actors', 's');
  const [one] = await take(session, 1);
  if (!one?.sequenceNumber) throw new Error('nothing received');
  await session.deferMessage(one);
  const [two] = await take(session, 1);
  expect(two?.body).toBe(2);
  const [deferred] = await session.receiveDeferredMessages(one.sequenceNumber);
  expect(deferred).toMatchObject({ body: 1, deliveryCount: 1, state: 'deferred', sessionId: 's' });
  if (deferred) await session.abandonMessage(deferred);
  expect((await take(session, 1)).map(({ body }) => body)).toEqual([3]);
  expect(counts(await session.receiveDeferredMessages(one.sequenceNumber))).toEqual([[1, 2]]);
});

test('a deferred message belongs to its session: no other session receives it', async () => {
  const client = testClient(await testBroker(queues(actors)));
  await send(client, 1);
  const session = await client.acceptSession('actors', 's');
  const [one] = await take(session, 1);
  if (!one?.sequenceNumber) throw new Error('nothing received');
  await session.deferMessage(one);
  const other = await client.acceptSession('actors', 'other');
  await expect(other.receiveDeferredMessages(one.sequenceNumber)).rejects.toMatchObject({
    code: 'MessageNotFound',
  });
  expect(await session.receiveDeferredMessages(one.sequenceNumber)).toHaveLength(1);
});

test('a message whose lock runs out with a deferred one in hand leaves that deferred', async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({ ...queues(actors), clock });
  const client = testClient(broker);
  await send(client, 1, 2);
  const session = await client.acceptSession('actors', 's');
  const [one] = await take(session, 1);
  if (!one?.sequenceNumber) throw new Error('nothing received');
  await session.deferMessage(one);
  await session.receiveDeferredMessages(one.sequenceNumber);
  clock.advance(30_000);
  await settled();
  expect(await broker.status()).toMatchObject([{ active: 1, deferred: 1, locks: 0 }]);
  const next = await client.acceptSession('actors', 's');
  expect(counts(await next.receiveDeferredMessages(one.sequenceNumber))).toEqual([[1, 2]]);
});

test('receive and delete in a session removes messages as they are handed out, in order', async () => {
  const broker = await testBroker(queues(actors));
  const client = testClient(broker);
  await send(client, 1, 2, 3);
  const session = await client.acceptSession('actors', 's', { receiveMode: 'receiveAndDelete' });
  const messages = await take(session, 2);
  expect(messages.map(({ body, lockToken }) => [body, lockToken])).toEqual([
    [1, undefined],
    [2, undefined],
  ]);
  expect(await broker.status()).toMatchObject([{ active: 1, locks: 1 }]);
  await session.setSessionState('kept');
  await session.close();
  const next = await client.acceptSession('actors', 's', { receiveMode: 'receiveAndDelete' });
  expect(await next.getSessionState()).toBe('kept');
  expect((await take(next, 1)).map(({ body }) => body)).toEqual([3]);
});

test('the last delivery of a message that is lost with its session makes it a dead letter, and the order goes on', async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({ ...queues({ ...actors, maxDeliveryCount: 2 }), clock });
  const client = testClient(broker);
  await send(client, 1, 2);
  for (let attempt = 0; attempt < 2; attempt += 1) {
    await take(await client.acceptSession('actors', 's'), 1);
    clock.advance(30_000);
    await settled();
  }
  const dead = client.createReceiver('actors', { subQueueType: 'deadLetter' });
  expect(await dead.receiveMessages(1)).toMatchObject([
    { body: 1, deliveryCount: 2, deadLetterReason: 'MaxDeliveryCountExceeded', sessionId: 's' },
  ]);
  expect(counts(await take(await client.acceptSession('actors', 's'), 1))).toEqual([[2, 0]]);
});

test('a message of a session expires while it waits, and not while it is held', async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({
    ...queues({ ...actors, deadLetteringOnMessageExpiration: true }),
    clock,
  });
  const client = testClient(broker);
  const sender = client.createSender('actors');
  await sender.sendMessages([1, 2].map((body) => ({ body, sessionId: 's', timeToLive: 20_000 })));
  await sender.sendMessages({ body: 3, sessionId: 's' });
  const session = await client.acceptSession('actors', 's');
  const [one] = await take(session, 1);
  clock.advance(20_000);
  await settled();
  expect(await broker.status()).toMatchObject([{ active: 2, deadLettered: 1 }]);
  if (one) await session.completeMessage(one);
  expect((await take(session, 1)).map(({ body }) => body)).toEqual([3]);
});

// message-sessions and the client: a lock that is held tells until when, and one that is taken is refused by name.
test('a session tells until when it is locked, renewal prolongs it, and nobody else gets it', async () => {
  const clock = new VirtualClock();
  const client = testClient(await testBroker({ ...queues(actors), clock }));
  const session = await client.acceptSession('actors', 's');
  expect(session.sessionLockedUntilUtc.getTime()).toBe(clock.now() + 30_000);
  await expect(client.acceptSession('actors', 's')).rejects.toMatchObject({ code: 'SessionCannotBeLocked' });
  clock.advance(10_000);
  expect((await session.renewSessionLock()).getTime()).toBe(clock.now() + 30_000);
  clock.advance(29_999);
  await expect(client.acceptSession('actors', 's')).rejects.toMatchObject({ code: 'SessionCannotBeLocked' });
  clock.advance(1);
  await settled();
  expect((await client.acceptSession('actors', 's')).sessionId).toBe('s');
});

// The session's lock is the only one: messages that come later are under it too.
test('one lock holds for all messages of the session, also for those that come later', async () => {
  const clock = new VirtualClock();
  const client = testClient(await testBroker({ ...queues(actors), clock }));
  await send(client, 1);
  const session = await client.acceptSession('actors', 's');
  const [one] = await take(session, 1);
  clock.advance(20_000);
  await session.renewSessionLock();
  await send(client, 2);
  const [two] = await take(session, 1);
  clock.advance(20_000);
  if (one) await session.completeMessage(one);
  if (two) await session.completeMessage(two);
});

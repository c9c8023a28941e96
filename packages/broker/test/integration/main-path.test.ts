import { expect, test } from 'vitest';
import { testBroker, testClient } from './kit.ts';

// The samples of learn.microsoft.com/azure/service-bus-messaging/service-bus-nodejs-how-to-use-queues and .../message-sessions

test('messages are sent one by one and in batches, received, completed and abandoned', async () => {
  const broker = await testBroker({ topology: { queues: [{ name: 'orders' }], topics: [] } });
  const client = testClient(broker);
  const sender = client.createSender('orders');
  await sender.sendMessages({ body: { n: 1 }, messageId: 'one' });
  await sender.sendMessages([{ body: { n: 2 } }, { body: { n: 3 } }]);

  const receiver = client.createReceiver('orders');
  const messages = await receiver.receiveMessages(3);
  expect(messages.map((message) => message.body)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  expect(messages.map((message) => message.sequenceNumber?.toNumber())).toEqual([1, 2, 3]);
  expect(messages[0]).toMatchObject({ messageId: 'one', deliveryCount: 0 });
  expect(messages[1]?.messageId).toMatch(/^[0-9a-f]{32}$/);
  for (const message of messages.slice(1)) await receiver.completeMessage(message);
  if (messages[0]) await receiver.abandonMessage(messages[0]);
  const [again] = await receiver.receiveMessages(1);
  expect(again).toMatchObject({ messageId: 'one', deliveryCount: 1 });
  if (again) await receiver.completeMessage(again);
  expect(await broker.status()).toMatchObject([{ name: 'orders', active: 0, locks: 0 }]);
});

test('sessions are accepted by name and as the next one, with state and renewal', async () => {
  const broker = await testBroker({
    topology: { queues: [{ name: 'actors', requiresSession: true }], topics: [] },
  });
  const client = testClient(broker);
  await client.createSender('actors').sendMessages([
    { body: 'a', sessionId: 'one' },
    { body: 'b', sessionId: 'one' },
  ]);
  const session = await client.acceptNextSession('actors');
  expect(session.sessionId).toBe('one');
  expect(session.sessionLockedUntilUtc.getTime()).toBeGreaterThan(Date.now() + 50_000);
  expect(await session.getSessionState()).toBeNull();
  await session.setSessionState({ turn: 1 });
  expect(await session.getSessionState()).toEqual({ turn: 1 });
  const until = await session.renewSessionLock();
  expect(until.getTime()).toBeGreaterThan(Date.now() + 50_000);
  await expect(client.acceptSession('actors', 'one')).rejects.toMatchObject({
    code: 'SessionCannotBeLocked',
  });
  const messages = await session.receiveMessages(2);
  for (const message of messages) await session.completeMessage(message);
  expect(messages.map((message) => message.body)).toEqual(['a', 'b']);
  await session.close();
  const again = await client.acceptSession('actors', 'one');
  expect(await again.getSessionState()).toEqual({ turn: 1 });
});

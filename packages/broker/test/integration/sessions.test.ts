import { setTimeout as wait } from 'node:timers/promises';
import { ServiceBusClient } from '@azure/service-bus';
import rhea from 'rhea';
import { expect, onTestFinished, test } from 'vitest';
import { queues, settled, testBroker, testClient, VirtualClock } from './kit.ts';
import { rawClient } from './raw-client.ts';

// learn.microsoft.com/azure/service-bus-messaging/message-sessions, .../service-bus-amqp-protocol-guide; attach properties and
// time-outs: github.com/Azure/azure-sdk-for-js, sdk/servicebus/service-bus/src/session/messageSession.ts

const actors = { name: 'actors', requiresSession: true, lockDuration: 'PT30S' };

test('the wait for the next session lasts as long as the client asks, then ends with a time-out', async () => {
  const broker = await testBroker(queues(actors));
  const client = new ServiceBusClient(broker.connectionString, {
    retryOptions: { timeoutInMs: 1500, maxRetries: 0 },
  });
  onTestFinished(() => client.close());
  const started = Date.now();
  await expect(client.acceptNextSession('actors')).rejects.toMatchObject({
    code: 'ServiceTimeout',
    retryable: true,
  });
  expect(Date.now() - started).toBeGreaterThan(1300);
  expect(Date.now() - started).toBeLessThan(5000);
});

test('a waiting receiver is woken by a message, and by a session that becomes free', async () => {
  const broker = await testBroker(queues(actors));
  const client = testClient(broker);
  const sender = client.createSender('actors');
  const first = client.acceptNextSession('actors');
  await wait(200);
  await sender.sendMessages({ body: 1, sessionId: 'a' });
  const a = await first;
  expect(a.sessionId).toBe('a');
  const second = client.acceptNextSession('actors');
  await wait(200);
  await a.close();
  expect((await second).sessionId).toBe('a');
});

test('waiting receivers are served in the order they came, sessions in the order they became ready', async () => {
  const broker = await testBroker(queues(actors));
  const client = testClient(broker);
  const waiting = [client.acceptNextSession('actors')];
  await wait(200);
  waiting.push(client.acceptNextSession('actors'));
  await wait(200);
  await client.createSender('actors').sendMessages([
    { body: 1, sessionId: 'z' },
    { body: 1, sessionId: 'b' },
    { body: 1, sessionId: 'c' },
  ]);
  expect((await Promise.all(waiting)).map((session) => session.sessionId)).toEqual(['z', 'b']);
  expect((await client.acceptNextSession('actors')).sessionId).toBe('c');
});

test('a session is next only with a message that can be received: neither deferred nor scheduled nor a bare state', async () => {
  const broker = await testBroker(queues(actors));
  const client = new ServiceBusClient(broker.connectionString, {
    retryOptions: { timeoutInMs: 1000, maxRetries: 0 },
  });
  onTestFinished(() => client.close());
  const sender = client.createSender('actors');
  await sender.sendMessages({ body: 1, sessionId: 'deferred' });
  await sender.scheduleMessages({ body: 1, sessionId: 'scheduled' }, new Date(Date.now() + 60_000));
  const session = await client.acceptSession('actors', 'deferred');
  const [message] = await session.receiveMessages(1);
  if (message) await session.deferMessage(message);
  await session.setSessionState('kept');
  await session.close();
  await expect(client.acceptNextSession('actors')).rejects.toMatchObject({ code: 'ServiceTimeout' });
});

test('closing a session gives its messages back at once, in order and without counting', async () => {
  const broker = await testBroker(queues(actors));
  const client = testClient(broker);
  await client.createSender('actors').sendMessages([1, 2, 3].map((body) => ({ body, sessionId: 'a' })));
  const first = await client.acceptSession('actors', 'a');
  const received = await first.receiveMessages(2);
  if (received[0]) await first.completeMessage(received[0]);
  await first.close();
  const second = await client.acceptNextSession('actors');
  const messages = await second.receiveMessages(2);
  expect(messages.map(({ body, deliveryCount }) => [body, deliveryCount])).toEqual([
    [2, 0],
    [3, 0],
  ]);
});

test('a session lock that ends by time closes the receiver, counts the deliveries and frees the session', async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({ ...queues(actors), clock });
  const client = testClient(broker);
  await client.createSender('actors').sendMessages([1, 2].map((body) => ({ body, sessionId: 'a' })));
  const first = await client.acceptSession('actors', 'a');
  const [message] = await first.receiveMessages(1);
  if (!message) throw new Error('nothing received');
  clock.advance(20_000);
  await first.renewSessionLock();
  clock.advance(29_000);
  await settled();
  expect(first.isClosed).toBe(false);
  clock.advance(1000);
  await settled();
  await expect(first.completeMessage(message)).rejects.toMatchObject({ code: 'SessionLockLost' });
  await expect(first.setSessionState('stale')).rejects.toMatchObject({ code: 'SessionLockLost' });
  const second = await client.acceptNextSession('actors');
  const messages = await second.receiveMessages(2);
  expect(messages.map(({ body, deliveryCount }) => [body, deliveryCount])).toEqual([
    [1, 1],
    [2, 0],
  ]);
  expect(await second.getSessionState()).toBeNull();
});

test('a cut connection frees its sessions at once', async () => {
  const broker = await testBroker(queues(actors));
  const gone = new ServiceBusClient(broker.connectionString, { retryOptions: { maxRetries: 0 } });
  await gone.acceptSession('actors', 'a');
  const context = gone as unknown as {
    _connectionContext: { connection: { _connection: { socket: { destroy(error: Error): void } } } };
  };
  context._connectionContext.connection._connection.socket.destroy(new Error('cut'));
  await wait(200);
  const session = await testClient(broker).acceptSession('actors', 'a');
  expect(session.sessionId).toBe('a');
  await gone.close();
});

test('deferred messages of a session are received and settled under its lock', async () => {
  const broker = await testBroker(queues(actors));
  const client = testClient(broker);
  await client.createSender('actors').sendMessages([1, 2].map((body) => ({ body, sessionId: 'a' })));
  const session = await client.acceptSession('actors', 'a');
  const [one] = await session.receiveMessages(1);
  if (!one?.sequenceNumber) throw new Error('nothing received');
  await session.deferMessage(one);
  const [deferred] = await session.receiveDeferredMessages(one.sequenceNumber);
  expect(deferred).toMatchObject({ body: 1, deliveryCount: 1 });
  if (deferred) await session.completeMessage(deferred);
  expect(await broker.status()).toMatchObject([{ active: 1, deferred: 0 }]);
});

test('a state over 256 KB is refused, the old one stays', async () => {
  const broker = await testBroker(queues(actors));
  const session = await testClient(broker).acceptSession('actors', 'a');
  await session.setSessionState('old');
  await expect(session.setSessionState('x'.repeat(262_144))).rejects.toMatchObject({
    code: 'MessageSizeExceeded',
  });
  expect(await session.getSessionState()).toBe('old');
});

test('a receiver without a session is refused, and a session on a queue without', async () => {
  const broker = await testBroker(queues(actors, { name: 'plain' }));
  const client = testClient(broker);
  await expect(client.createReceiver('actors').receiveMessages(1)).rejects.toThrow(
    /InvalidOperationError: It is not possible for an entity that requires sessions to create a non-sessionful message receiver/,
  );
  await expect(client.acceptSession('plain', 'a')).rejects.toThrow(/Failed to create a receiver/);
});

test('150 sessions live on one connection, each with its own messages and state', async () => {
  const broker = await testBroker(queues(actors));
  // All of this is work for one core: 17 s of it have been seen beside busy ones, and requests wait for each other.
  const client = testClient(broker, broker.connectionString, 60_000);
  const ids = Array.from({ length: 150 }, (_, index) => `s${index}`);
  await client.createSender('actors').sendMessages(ids.map((sessionId) => ({ body: sessionId, sessionId })));
  const sessions = await Promise.all(ids.map(() => client.acceptNextSession('actors')));
  const bodies = await Promise.all(
    sessions.map(async (session) => {
      const [message] = await session.receiveMessages(1);
      await session.setSessionState(session.sessionId);
      if (message) await session.completeMessage(message);
      expect(await session.getSessionState()).toBe(session.sessionId);
      return message?.body;
    }),
  );
  expect(bodies).toEqual(sessions.map((session) => session.sessionId));
  expect(new Set(bodies).size).toBe(150);
  expect(await broker.status()).toMatchObject([{ active: 0, sessions: 150, locks: 150 }]);
});

test('whoever does not say how long waits a minute for the next session', async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({ ...queues(actors), clock });
  const raw = await rawClient(broker);
  const receiver = raw.connection.open_receiver({
    source: { address: 'actors', filter: { 'com.microsoft:session-filter': null } } as never,
  });
  const ended = new Promise((resolve) => receiver.once('receiver_error', () => resolve(receiver.error)));
  // When this is answered the attach before it has been looked at.
  await raw.manage('actors', { operation: 'com.microsoft:nonsense' }, {});
  clock.advance(59_999);
  expect(await Promise.race([ended, settled().then(() => 'waiting')])).toBe('waiting');
  clock.advance(1);
  expect(await ended).toMatchObject({ condition: 'com.microsoft:timeout' });
});

test('whoever wants to wait for no time gets what is there, or the time-out at once', async () => {
  const broker = await testBroker(queues(actors));
  const raw = await rawClient(broker);
  const next = () =>
    new Promise((resolve) => {
      const receiver = raw.connection.open_receiver({
        source: { address: 'actors', filter: { 'com.microsoft:session-filter': null } } as never,
        properties: { 'com.microsoft:timeout': rhea.types.wrap_uint(0) },
        credit_window: 0,
      });
      receiver.once('receiver_error', () => resolve(receiver.error));
      receiver.once('receiver_open', () => {
        const session = (receiver.source.filter as Record<string, unknown> | undefined)?.[
          'com.microsoft:session-filter'
        ];
        if (session !== undefined) resolve(session);
      });
    });
  expect(await next()).toMatchObject({ condition: 'com.microsoft:timeout' });
  await testClient(broker).createSender('actors').sendMessages({ body: 1, sessionId: 'a' });
  expect(await next()).toBe('a');
});

// The virtual clock with the real client: time goes from one due entry to the next, and each is handled before the next.
import type { ServiceBusReceivedMessage, ServiceBusReceiver } from '@azure/service-bus';
import { expect, onTestFinished, test } from 'vitest';
import { startBroker } from '../../src/index.ts';
import { queues, testBroker, testClient } from './kit.ts';

const DAY_MS = 24 * 3_600_000;
const START = Date.UTC(2030, 0, 1);
const virtual = { clock: { virtual: { startAt: START } } };

/** Hands every message to `handle`, one at a time, and completes it. */
function serve(
  receiver: ServiceBusReceiver,
  handle: (message: ServiceBusReceivedMessage) => Promise<void>,
): void {
  const failures: unknown[] = [];
  receiver.subscribe({
    processMessage: handle,
    processError: async ({ error }) => void failures.push(error),
  });
  onTestFinished(() => expect(failures).toEqual([]));
}

test('messages that are scheduled over days come in order, each handled before the next is due', async () => {
  const broker = await testBroker({ ...queues({ name: 'q' }), ...virtual });
  const client = testClient(broker);
  const sender = client.createSender('q');
  const log: string[] = [];
  serve(client.createReceiver('q'), async ({ body, enqueuedTimeUtc }) => {
    const now = broker.now();
    expect(enqueuedTimeUtc?.getTime()).toBe(now);
    log.push(`${body} begins on day ${(now - START) / DAY_MS}`);
    await new Promise((resolve) => setTimeout(resolve, 40));
    if (body === 'second')
      await sender.scheduleMessages({ body: 'set off by second' }, new Date(now + DAY_MS / 2));
    expect(broker.now()).toBe(now);
    log.push(`${body} ends`);
  });
  const days = { third: 3, first: 1, second: 2, 'too late': 4 };
  for (const [body, day] of Object.entries(days)) {
    await sender.scheduleMessages({ body }, new Date(START + day * DAY_MS));
  }
  expect(await broker.nextDue()).toBe(START + DAY_MS);
  expect(await broker.advance(3 * DAY_MS)).toBe(START + 3 * DAY_MS);
  expect(log).toEqual([
    'first begins on day 1',
    'first ends',
    'second begins on day 2',
    'second ends',
    'set off by second begins on day 2.5',
    'set off by second ends',
    'third begins on day 3',
    'third ends',
  ]);
  expect(broker.now()).toBe(START + 3 * DAY_MS);
  expect(await broker.nextDue()).toBe(START + 4 * DAY_MS);
});

test('locks of live links are carried along: a session is held over days, its expiry told in real time', async () => {
  const broker = await testBroker({ ...queues({ name: 'q', requiresSession: true }), ...virtual });
  const client = testClient(broker);
  const session = await client.acceptSession('q', 'a', { maxAutoLockRenewalDurationInMs: 0 });
  const inAMinute = (at: Date | undefined) => {
    expect(at?.getTime()).toBeGreaterThan(Date.now() + 30_000);
    expect(at?.getTime()).toBeLessThanOrEqual(Date.now() + 60_000);
  };
  inAMinute(session.sessionLockedUntilUtc);
  await session.setSessionState('before');
  await broker.advance(3 * DAY_MS);
  await session.setSessionState('after');
  await client.createSender('q').sendMessages({ body: 1, sessionId: 'a' });
  const [message] = await session.receiveMessages(1);
  if (!message) throw new Error('nothing was received');
  inAMinute(message.lockedUntilUtc);
  expect(message.enqueuedTimeUtc?.getTime()).toBe(START + 3 * DAY_MS);
  await session.completeMessage(message);
  inAMinute(await session.renewSessionLock());
  expect(await session.getSessionState()).toBe('after');
  expect(await broker.status()).toMatchObject([{ locks: 1, active: 0 }]);
});

test('the lock of a message whose link is gone runs out, a later one later', async () => {
  const broker = await testBroker({ ...queues({ name: 'q', lockDuration: 'PT1M' }), ...virtual });
  await testClient(broker)
    .createSender('q')
    .sendMessages([{ body: 1 }, { body: 2 }]);
  const [first, second] = [testClient(broker), testClient(broker)];
  for (const client of [first, second]) await client.createReceiver('q').receiveMessages(1);
  await first.close();
  expect(await broker.nextDue()).toBe(START + 60_000);
  // The second client sits on its message.
  await expect(broker.advance(1, { patienceMs: 100 })).rejects.toMatchObject({ code: 'BROKER_NOT_QUIET' });
  await second.close();
  await broker.advance(59_999);
  expect(await broker.status()).toMatchObject([{ locks: 2 }]);
  await broker.advance(1);
  expect(await broker.status()).toMatchObject([{ locks: 0 }]);
  const again = await testClient(broker).createReceiver('q').receiveMessages(2);
  expect(again.map(({ body, deliveryCount }) => [body, deliveryCount])).toEqual([
    [1, 1],
    [2, 1],
  ]);
});

test('a lock that is granted later runs out later, and one that was renewed not before its time', async () => {
  const broker = await testBroker({ ...queues({ name: 'q', lockDuration: 'PT1M' }), ...virtual });
  const abandon = async (body: number) => {
    const client = testClient(broker);
    await client.createSender('q').sendMessages({ body });
    const receiver = client.createReceiver('q');
    const [message] = await receiver.receiveMessages(1);
    if (message) await receiver.renewMessageLock(message);
    await client.close();
  };
  await abandon(1);
  await broker.advance(30_000);
  await abandon(2);
  expect(await broker.nextDue()).toBe(START + 60_000);
  await broker.advance(30_000);
  expect(await broker.status()).toMatchObject([{ locks: 1 }]);
  expect(await broker.nextDue()).toBe(START + 90_000);
  await broker.advance(30_000);
  expect(await broker.status()).toMatchObject([{ locks: 0 }]);
});

test('a client that sits on a message ends the wait: the error names both, and time stands where it got to', async () => {
  const broker = await testBroker({ ...queues({ name: 'orders' }), ...virtual });
  const client = testClient(broker);
  const sender = client.createSender('orders');
  await sender.scheduleMessages({ body: 1, messageId: 'm-1' }, new Date(START + 1000));
  await sender.scheduleMessages({ body: 2 }, new Date(START + 2000));
  const receiver = client.createReceiver('orders');
  const receiving = receiver.receiveMessages(1);
  await expect(broker.advance(DAY_MS, { patienceMs: 300 })).rejects.toMatchObject({
    code: 'BROKER_NOT_QUIET',
    message: expect.stringMatching(/'orders-[^']+' has not settled message 3 \(id 'm-1'\) of 'orders'/),
    details: { entity: 'orders', messageId: 'm-1', sequenceNumber: 3 },
  });
  expect(broker.now()).toBe(START + 1000);
  const [message] = await receiving;
  if (message) await receiver.completeMessage(message);
  expect(await broker.advance(DAY_MS)).toBe(START + 1000 + DAY_MS);
  expect(await broker.status()).toMatchObject([{ active: 1, scheduled: 0 }]);
});

test('a deferred message that was fetched counts as held, too', async () => {
  const broker = await testBroker({ ...queues({ name: 'q' }), ...virtual });
  const client = testClient(broker);
  await client.createSender('q').sendMessages({ body: 1 });
  const receiver = client.createReceiver('q');
  const [message] = await receiver.receiveMessages(1);
  if (!message?.sequenceNumber) throw new Error('nothing was received');
  await receiver.deferMessage(message);
  await broker.advance(DAY_MS);
  const [deferred] = await receiver.receiveDeferredMessages(message.sequenceNumber);
  if (!deferred) throw new Error('nothing was fetched');
  await expect(broker.advance(DAY_MS, { patienceMs: 100 })).rejects.toMatchObject({
    code: 'BROKER_NOT_QUIET',
  });
  await receiver.completeMessage(deferred);
  await broker.advance(DAY_MS);
});

test('a message waits for whoever has yet to let go of another session', async () => {
  const broker = await testBroker({ ...queues({ name: 'q', requiresSession: true }), ...virtual });
  const client = testClient(broker);
  const sender = client.createSender('q');
  for (const day of [0, 1, 2])
    await sender.scheduleMessages(
      { body: day, sessionId: `of day ${day}` },
      new Date(START + day * DAY_MS + 1),
    );
  const handled: number[] = [];
  // One session at a time, held a while longer than its message needs.
  const serving = (async () => {
    for (let turn = 0; turn < 3; turn += 1) {
      const session = await client.acceptNextSession('q');
      const [message] = await session.receiveMessages(1);
      if (!message) throw new Error('nothing was received');
      handled.push(broker.now() - START);
      await session.completeMessage(message);
      await new Promise((resolve) => setTimeout(resolve, 300));
      await session.close();
    }
  })();
  await broker.advance(3 * DAY_MS);
  await serving;
  expect(handled).toEqual([1, DAY_MS + 1, 2 * DAY_MS + 1]);
});

test('a message that nobody asks for is waited for once, not at every due entry', async () => {
  const broker = await testBroker({
    ...queues({ name: 'q', requiresSession: true }, { name: 'other' }),
    ...virtual,
  });
  const client = testClient(broker);
  await client.acceptSession('q', 'a');
  await client.createSender('q').sendMessages({ body: 1, sessionId: 'b' });
  const sender = client.createSender('other');
  const minutes = Array.from({ length: 40 }, (_, index) => index + 1);
  for (const minute of minutes)
    await sender.scheduleMessages({ body: minute }, new Date(START + minute * 60_000));
  await broker.advance(DAY_MS);
  expect(await broker.status()).toMatchObject([{ active: 1 }, { active: 40, scheduled: 0 }]);
});

test('no skip ends an idle link, an idle connection or the wait for a session', async () => {
  const entities = queues({ name: 'q' }, { name: 'sessions', requiresSession: true });
  const broker = await testBroker({ ...entities, ...virtual, idle: {} });
  const client = testClient(broker);
  const handled: unknown[] = [];
  serve(client.createReceiver('q'), async ({ body }) => void handled.push(body));
  const waiting = client.acceptNextSession('sessions');
  const sender = client.createSender('q');
  await sender.sendMessages({ body: 'before' });
  await broker.advance(0);
  const { connections } = await broker.counters();
  await broker.advance(30 * DAY_MS);
  await sender.sendMessages({ body: 'after' });
  await client.createSender('sessions').sendMessages({ body: 1, sessionId: 's' });
  expect((await waiting).sessionId).toBe('s');
  await broker.advance(0);
  expect(handled).toEqual(['before', 'after']);
  expect((await broker.counters())['connections']).toBe(connections);
});

test('the wait for a session lasts as long as the client says, in real time', async () => {
  const broker = await testBroker({ ...queues({ name: 'q', requiresSession: true }), ...virtual });
  const { ServiceBusClient } = await import('@azure/service-bus');
  const client = new ServiceBusClient(broker.connectionString, {
    retryOptions: { timeoutInMs: 400, maxRetries: 0 },
  });
  onTestFinished(() => client.close());
  await expect(client.acceptNextSession('q')).rejects.toMatchObject({ code: 'ServiceTimeout' });
});

test('expiry, duplicate detection and auto-delete go by virtual time', async () => {
  const broker = await testBroker({
    ...queues(
      { name: 'ttl', defaultMessageTimeToLive: 'P1D', deadLetteringOnMessageExpiration: true },
      { name: 'once', requiresDuplicateDetection: true, duplicateDetectionHistoryTimeWindow: 'PT10M' },
      { name: 'fleeting', autoDeleteOnIdle: 'PT5M' },
    ),
    ...virtual,
  });
  const client = testClient(broker);
  await client.createSender('ttl').sendMessages({ body: 1 });
  const once = client.createSender('once');
  const again = () => once.sendMessages({ body: 1, messageId: 'same' });
  await again();
  await broker.advance(599_999);
  await again();
  expect(await broker.status()).toMatchObject([
    { name: 'ttl', active: 1 },
    { name: 'once', active: 1 },
  ]);
  await broker.advance(1);
  await again();
  await broker.advance(DAY_MS - 600_001);
  expect(await broker.status()).toMatchObject([{ active: 1, deadLettered: 0 }, { active: 2 }]);
  await broker.advance(1);
  expect(await broker.status()).toMatchObject([{ active: 0, deadLettered: 1 }, { active: 2 }]);
});

test('journeys follow one another, lead forwards only, and need a virtual clock', async () => {
  const broker = await testBroker({ ...virtual });
  const both = await Promise.all([broker.advance(1000), broker.advance(500)]);
  expect(both).toEqual([START + 1000, START + 1500]);
  await expect(broker.advance(-1)).rejects.toMatchObject({ code: 'BROKER_FAILED' });
  for (const ms of [Number.NaN, Infinity, Number.MAX_SAFE_INTEGER])
    await expect(broker.advance(ms)).rejects.toMatchObject({ code: 'BROKER_FAILED' });
  expect(await broker.advance(0)).toBe(START + 1500);
  expect(await broker.advance(0.25)).toBe(START + 1501);
  expect(await broker.advance(2 ** 31)).toBe(START + 1501 + 2 ** 31);
  expect(await broker.nextDue()).toBeUndefined();
  const real = await testBroker();
  await expect(real.advance(1)).rejects.toMatchObject({ code: 'BROKER_CLOCK_REAL' });
  await expect(real.nextDue()).rejects.toMatchObject({ code: 'BROKER_CLOCK_REAL' });
  expect(Math.abs(real.now() - Date.now())).toBeLessThan(10_000);
});

test('a journey ends with the broker', async () => {
  const broker = await testBroker({ ...queues({ name: 'q' }), ...virtual });
  const client = testClient(broker);
  await client.createSender('q').sendMessages({ body: 1 });
  await client.createReceiver('q').receiveMessages(1);
  const journey = expect(broker.advance(DAY_MS)).rejects.toMatchObject({ code: 'BROKER_STOPPED' });
  await broker.stop();
  await journey;
});

test('in a thread of its own the broker is controlled alike, and its time is read at once', async () => {
  const broker = await startBroker({
    data: { memory: true },
    port: 0,
    ...queues({ name: 'q' }),
    ...virtual,
  });
  onTestFinished(() => broker.stop());
  expect(broker.now()).toBe(START);
  const client = testClient(broker);
  const times: number[] = [];
  serve(client.createReceiver('q'), async () => void times.push(broker.now()));
  const sender = client.createSender('q');
  for (const day of [2, 1]) await sender.scheduleMessages({ body: day }, new Date(START + day * DAY_MS));
  expect(await broker.nextDue()).toBe(START + DAY_MS);
  expect(await broker.advance(2 * DAY_MS)).toBe(START + 2 * DAY_MS);
  expect(times).toEqual([START + DAY_MS, START + 2 * DAY_MS]);
  const id = await broker.faults.inject({
    kind: 'reject',
    on: { operation: 'send', times: 2 },
    condition: 'amqp:not-allowed',
  });
  await expect(sender.sendMessages({ body: 1 })).rejects.toThrow(/rejected by a fault \(fault-1\)/);
  await broker.faults.triggered(id);
  expect(await broker.faults.list()).toMatchObject([{ id, triggered: 1, spent: false }]);
  await broker.faults.clear();
  await sender.sendMessages({ body: 1 });
  await expect(broker.faults.inject({ kind: 'stop' } as never)).rejects.toMatchObject({
    code: 'BROKER_FAULT_INVALID',
  });
});

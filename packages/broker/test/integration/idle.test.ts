import rhea, { type EventContext } from 'rhea';
import { expect, onTestFinished, test } from 'vitest';
import type { Broker } from '../../src/index.ts';
import { adminClient } from './admin-client.ts';
import { queues, settled, testBroker, testClient, VirtualClock } from './kit.ts';
import { rawClient } from './raw-client.ts';

// learn.microsoft.com/azure/service-bus-messaging/message-expiration ("Temporary entities"), .../service-bus-amqp-troubleshoot

const MINUTE_MS = 60_000;
const SERVICE_TIMES = { idle: { linkMs: 600_000, connectionMs: 300_000, firstLinkMs: 60_000 } };

const names = async (broker: Broker) => (await broker.status()).map(({ name }) => name);

function next(
  emitter: { once(event: string, listener: (context: EventContext) => void): unknown },
  event: string,
) {
  return new Promise<EventContext>((resolve) => {
    emitter.once(event, resolve);
  });
}

test('an idle entity is deleted, one in use or with scheduled messages is not', async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({
    topology: {
      queues: [
        { name: 'idle', autoDeleteOnIdle: 'PT5M' },
        { name: 'received', autoDeleteOnIdle: 'PT5M' },
        { name: 'scheduled', autoDeleteOnIdle: 'PT5M' },
        { name: 'stays' },
      ],
      topics: [
        {
          name: 't',
          autoDeleteOnIdle: 'PT10M',
          subscriptions: [{ name: 's', autoDeleteOnIdle: 'PT5M' }, { name: 'stays' }],
        },
      ],
    },
    clock,
  });
  const client = testClient(broker);
  const receiver = client.createReceiver('received');
  const subscription = receiver.subscribe({ processMessage: async () => {}, processError: async () => {} });
  const sender = client.createSender('scheduled');
  await sender.scheduleMessages({ body: 1 }, new Date(clock.now() + 12 * MINUTE_MS));
  await client.createSender('received').sendMessages({ body: 1 });
  await client.close();
  await settled();
  const other = testClient(broker);
  const held = other.createReceiver('received');
  await held.peekMessages(1);
  clock.advance(6 * MINUTE_MS);
  expect(await names(broker)).toEqual(['received', 'scheduled', 'stays', 't', 't/Subscriptions/stays']);
  clock.advance(6 * MINUTE_MS);
  expect(await names(broker)).toEqual(['received', 'scheduled', 'stays']);
  await expect(other.createSender('idle').sendMessages({ body: 1 })).rejects.toMatchObject({
    code: 'MessagingEntityNotFound',
  });
  await other.close();
  await settled();
  clock.advance(20 * MINUTE_MS);
  expect(await names(broker)).toEqual(['stays']);
  await subscription.close();
});

// .../service-bus-auto-forwarding: the source is never idle, so its AutoDeleteOnIdle becomes the longest there is.
test('an entity that forwards is not deleted, and says so', async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({
    topology: {
      queues: [{ name: 'source', autoDeleteOnIdle: 'PT5M', forwardTo: 'target' }, { name: 'target' }],
      topics: [{ name: 't', subscriptions: [{ name: 's', autoDeleteOnIdle: 'PT5M', forwardTo: 'target' }] }],
    },
    clock,
  });
  clock.advance(60 * MINUTE_MS);
  expect(await names(broker)).toEqual(['source', 'target', 't', 't/Subscriptions/s']);
  const admin = adminClient(broker);
  const longest = { autoDeleteOnIdle: 'P10675199DT2H48M5.4775807S' };
  expect(await admin.getQueue('source')).toMatchObject(longest);
  expect(await admin.getSubscription('t', 's')).toMatchObject(longest);
});

test('less than five minutes is refused', async () => {
  await expect(testBroker(queues({ name: 'q', autoDeleteOnIdle: 'PT4M' }))).rejects.toMatchObject({
    code: 'BROKER_TOPOLOGY_INVALID',
  });
});

test('a link without a transfer for ten minutes is detached, one with transfers is not', async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({ ...queues({ name: 'q' }, { name: 'p' }), ...SERVICE_TIMES, clock });
  const { connection } = await rawClient(broker);
  const idle = connection.open_receiver({ source: 'q', credit_window: 0 });
  const busy = connection.open_sender('p');
  await Promise.all([next(idle, 'receiver_open'), next(busy, 'sendable')]);
  for (let minute = 0; minute < 9; minute += 1) {
    clock.advance(MINUTE_MS);
    busy.send({ body: minute });
    await next(busy, 'accepted');
  }
  expect(idle.is_open()).toBe(true);
  const detached = next(idle, 'receiver_error');
  clock.advance(4 * MINUTE_MS);
  await detached;
  expect(idle.error).toMatchObject({
    condition: 'amqp:link:detach-forced',
    description: expect.stringContaining('Idle timeout: 00:10:00'),
  });
  expect(busy.is_open()).toBe(true);
});

test('the client carries on after its idle link was detached', async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({ ...queues({ name: 'q' }), ...SERVICE_TIMES, clock });
  const sender = testClient(broker).createSender('q');
  await sender.sendMessages({ body: 1 });
  clock.advance(15 * MINUTE_MS);
  await settled();
  await sender.sendMessages({ body: 2 });
  expect(await broker.status()).toMatchObject([{ active: 2 }]);
});

test('a connection without a link is closed after a minute, one whose links are gone after five', async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({ ...queues({ name: 'q' }), ...SERVICE_TIMES, clock });
  const container = rhea.create_container();
  container.on('error', () => {});
  container.on('disconnected', () => {});
  const bare = container.connect({ port: broker.port, host: '127.0.0.1', username: 'x', reconnect: false });
  onTestFinished(() => bare.close());
  await next(bare, 'connection_open');
  const { connection } = await rawClient(broker);
  const link = connection.open_receiver('q');
  await next(link, 'receiver_open');
  const early = next(bare, 'connection_error');
  clock.advance(MINUTE_MS + 15_000);
  await early;
  expect(bare.error).toMatchObject({
    condition: 'amqp:connection:forced',
    description: expect.stringContaining('60000 milliseconds'),
  });
  link.close();
  await next(link, 'receiver_close');
  const late = next(connection, 'connection_error');
  clock.advance(6 * MINUTE_MS);
  await late;
  expect(connection.error).toMatchObject({ description: expect.stringContaining('300000 milliseconds') });
});

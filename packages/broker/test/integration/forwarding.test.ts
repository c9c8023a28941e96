import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServiceBusClient } from '@azure/service-bus';
import { expect, onTestFinished, test } from 'vitest';
import { createBroker, type QueueDescription } from '../../src/index.ts';
import { adminClient } from './admin-client.ts';
import { queues, settled, testBroker, testClient, VirtualClock } from './kit.ts';

// learn.microsoft.com/azure/service-bus-messaging/service-bus-auto-forwarding;
// .../service-bus-dead-letter-queues ("Dead-lettering in auto-forward scenarios"): more than four hops, a destination that
// is disabled or deleted, or one that is over its size

async function received(client: ServiceBusClient, queue: string, count = 1) {
  const messages = await client
    .createReceiver(queue, { receiveMode: 'receiveAndDelete' })
    .receiveMessages(count);
  return messages;
}

function transferDeadLetters(client: ServiceBusClient, queue: string) {
  return client.createReceiver(queue, { subQueueType: 'transferDeadLetter' }).receiveMessages(1);
}

/** hop4 -> hop3 -> ... -> hop0. */
function chain(length: number): QueueDescription[] {
  return Array.from({ length: length + 1 }, (_, index) =>
    index === 0 ? { name: 'hop0' } : { name: `hop${index}`, forwardTo: `hop${index - 1}` },
  );
}

test('a message goes on to the end of a chain of four', async () => {
  const broker = await testBroker(queues(...chain(4)));
  const client = testClient(broker);
  await client.createSender('hop4').sendMessages({ body: 1, applicationProperties: { a: 1 } });
  expect(await received(client, 'hop0')).toMatchObject([
    { body: 1, applicationProperties: { a: 1 }, deliveryCount: 0 },
  ]);
  expect(await broker.status()).toMatchObject(
    Array.from({ length: 5 }, () => ({ active: 0, deadLettered: 0 })),
  );
});

test('a fifth hop ends in the transfer dead letters of the fourth', async () => {
  const client = testClient(await testBroker(queues(...chain(5))));
  await client.createSender('hop5').sendMessages({ body: 1 });
  expect(await transferDeadLetters(client, 'hop1')).toMatchObject([
    { body: 1, deadLetterReason: 'MaxTransferHopCountExceeded', deadLetterSource: 'hop1' },
  ]);
});

test('messages keep their order and their first number, and cannot be received on the way', async () => {
  const client = testClient(await testBroker(queues({ name: 'a', forwardTo: 'b' }, { name: 'b' })));
  const sender = client.createSender('a');
  await sender.sendMessages([{ body: 1 }, { body: 2 }, { body: 3 }]);
  await sender.sendMessages({ body: 4 });
  const messages = await received(client, 'b', 4);
  expect(messages.map(({ body }) => body)).toEqual([1, 2, 3, 4]);
  await expect(client.createReceiver('a').receiveMessages(1)).rejects.toThrow(/auto-forwarding enabled/);
});

test('a subscription forwards to a queue, and a queue to a topic', async () => {
  const broker = await testBroker({
    topology: {
      queues: [{ name: 'in', forwardTo: 't' }, { name: 'out' }],
      topics: [
        {
          name: 't',
          subscriptions: [
            {
              name: 's',
              forwardTo: 'out',
              rules: [
                {
                  name: 'r',
                  filter: { kind: 'sql', expression: 'n > 1' },
                  action: { expression: 'SET seen = 1' },
                },
              ],
            },
          ],
        },
      ],
    },
  });
  const client = testClient(broker);
  await client.createSender('in').sendMessages([
    { body: 1, applicationProperties: { n: 1 } },
    { body: 2, applicationProperties: { n: 2 } },
  ]);
  expect(await received(client, 'out')).toMatchObject([
    { body: 2, applicationProperties: { n: 2, seen: 1, RuleName: 'r' } },
  ]);
});

test('dead letters are forwarded with their reason and source', async () => {
  const client = testClient(
    await testBroker(queues({ name: 'q', forwardDeadLetteredMessagesTo: 'dead' }, { name: 'dead' })),
  );
  await client.createSender('q').sendMessages({ body: 1 });
  const receiver = client.createReceiver('q');
  const [message] = await receiver.receiveMessages(1);
  if (message)
    await receiver.deadLetterMessage(message, { deadLetterReason: 'why', deadLetterErrorDescription: 'x' });
  expect(await received(client, 'dead')).toMatchObject([
    { body: 1, deadLetterReason: 'why', deadLetterSource: 'q' },
  ]);
});

test('a destination that is gone, disabled or needs a session sends messages to the transfer dead letters', async () => {
  const broker = await testBroker(
    queues(
      { name: 'disabled', status: 'SendDisabled' },
      { name: 'sessions', requiresSession: true },
      { name: 'a', forwardTo: 'disabled' },
      { name: 'b', forwardTo: 'sessions' },
    ),
  );
  const client = testClient(broker);
  await client.createSender('a').sendMessages({ body: 1 });
  await client.createSender('b').sendMessages({ body: 2 });
  expect(await transferDeadLetters(client, 'a')).toMatchObject([
    { body: 1, deadLetterReason: 'com.microsoft:entity-disabled' },
  ]);
  expect(await transferDeadLetters(client, 'b')).toMatchObject([
    { body: 2, deadLetterReason: 'amqp:not-allowed' },
  ]);
});

test('scheduled messages set out when they are due, and what waits when forwarding is switched on', async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({
    ...queues({ name: 'a', forwardTo: 'b' }, { name: 'b' }, { name: 'c' }),
    clock,
  });
  const client = testClient(broker);
  await client.createSender('a').scheduleMessages({ body: 1 }, new Date(clock.now() + 1000));
  await client.createSender('c').sendMessages({ body: 2 });
  expect(await broker.status()).toMatchObject([{ scheduled: 1 }, { active: 0 }, { active: 1 }]);
  clock.advance(1000);
  await broker.declare({ queues: [{ name: 'c', forwardTo: 'b' }], topics: [] });
  await settled();
  expect((await received(client, 'b', 2)).map(({ body }) => body)).toEqual([2, 1]);
});

test.each<[string, QueueDescription[]]>([
  ['to nowhere', [{ name: 'a', forwardTo: 'missing' }]],
  ['of dead letters to itself', [{ name: 'a', forwardDeadLetteredMessagesTo: 'A' }]],
])('forwarding %s is refused', async (_, described) => {
  await expect(testBroker(queues(...described))).rejects.toMatchObject({ code: 'BROKER_TOPOLOGY_INVALID' });
});

// azure-sdk-for-net, ServiceBusManagementClientLiveTests: created by the service. What it does then is UNV.
test('what leads back to itself ends after four hops, and sessions go on in their order', async () => {
  const broker = await testBroker({
    topology: {
      queues: [{ name: 'plain' }, { name: 'by-session', requiresSession: true }],
      topics: [{ name: 't', subscriptions: [{ name: 's' }] }],
    },
  });
  const admin = adminClient(broker);
  const client = testClient(broker);
  await admin.createQueue('round', { forwardTo: 'round' });
  await admin.createSubscription('t', 'back', { forwardTo: 't' });
  await admin.createQueue('from', { requiresSession: true, forwardTo: 'by-session' });
  await admin.createQueue('also', { requiresSession: true, forwardTo: 'plain' });
  await client.createSender('round').sendMessages({ body: 1 });
  expect(await transferDeadLetters(client, 'round')).toMatchObject([
    { body: 1, deadLetterReason: 'MaxTransferHopCountExceeded' },
  ]);
  await client.createSender('t').sendMessages({ body: 2 });
  expect((await received(client, 't/Subscriptions/s', 5)).map(({ body }) => body)).toEqual([2, 2, 2, 2, 2]);

  const messages = Array.from({ length: 40 }, (_, body) => ({ body, sessionId: body % 2 ? 'odd' : 'even' }));
  for (const name of ['from', 'also']) await client.createSender(name).sendMessages(messages);
  const odd = messages.filter(({ sessionId }) => sessionId === 'odd').map(({ body }) => body);
  const session = await client.acceptSession('by-session', 'odd');
  expect((await session.receiveMessages(20)).map(({ body }) => body as unknown)).toEqual(odd);
  const bodies = (await received(client, 'plain', 40)).map(({ body }) => body as number);
  expect(bodies.filter((body) => body % 2)).toEqual(odd);
});

test('a destination that is deleted, full or disabled sends what comes to the transfer dead letters', async () => {
  const broker = await testBroker(
    queues(
      { name: 'deleted' },
      { name: 'full', maxSizeInMegabytes: 1 },
      { name: 'disabled' },
      { name: 'to-deleted', forwardTo: 'deleted' },
      { name: 'to-full', forwardTo: 'full' },
      { name: 'to-disabled', forwardTo: 'disabled' },
    ),
  );
  const client = testClient(broker);
  for (let count = 0; count < 5; count += 1)
    await client.createSender('full').sendMessages({ body: 'x'.repeat(200_000) });
  await adminClient(broker).deleteQueue('deleted');
  await broker.declare({ queues: [{ name: 'disabled', status: 'Disabled' }], topics: [] });
  for (const [queue, reason] of [
    ['to-deleted', 'amqp:not-found'],
    ['to-full', 'amqp:resource-limit-exceeded'],
    ['to-disabled', 'com.microsoft:entity-disabled'],
  ] as const) {
    await client
      .createSender(queue)
      .sendMessages({ body: 'x'.repeat(100_000), messageId: queue, applicationProperties: { a: 1 } });
    expect(await transferDeadLetters(client, queue)).toMatchObject([
      {
        messageId: queue,
        deadLetterReason: reason,
        deadLetterSource: queue,
        applicationProperties: { a: 1 },
      },
    ]);
  }
});

// The number of hops is the message's, wherever it waits.
test('hops are counted over a restart', async () => {
  const data = mkdtempSync(join(tmpdir(), 'quorate-hops-'));
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  const described = chain(5);
  // The message waits after four hops, and sets out again when the last part is there.
  const stopped = { name: 'hop1', forwardTo: 'hop0' };
  const before = await createBroker({
    data,
    port: 0,
    topology: { queues: [{ name: 'hop0' }, { name: 'hop1' }, ...described.slice(2)], topics: [] },
  });
  await testClient(before).createSender('hop5').sendMessages({ body: 1 });
  expect(await testClient(before).createReceiver('hop1').peekMessages(1)).toMatchObject([{ body: 1 }]);
  await before.stop();
  const broker = await testBroker({ data, topology: { queues: [stopped], topics: [] } });
  expect(await transferDeadLetters(testClient(broker), 'hop1')).toMatchObject([
    { body: 1, deadLetterReason: 'MaxTransferHopCountExceeded' },
  ]);
});

test('a forwarded message keeps its annotations, its first number and its id', async () => {
  const client = testClient(await testBroker(queues({ name: 'a', forwardTo: 'b' }, { name: 'b' })));
  const sender = client.createSender('a');
  await sender.sendMessages({ body: 0 });
  await sender.sendMessages({ body: 1, messageId: 'id', partitionKey: 'key' });
  await client.createSender('b').sendMessages({ body: 2 });
  const [, message] = await received(client, 'b', 3);
  expect(message).toMatchObject({ body: 1, messageId: 'id', partitionKey: 'key', enqueuedSequenceNumber: 2 });
  expect(message?.sequenceNumber?.toNumber()).toBe(2);
  expect(message?.deadLetterSource).toBeUndefined();
});

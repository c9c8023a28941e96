import { expect, test } from 'vitest';
import type { TopicDescription } from '../../src/index.ts';
import { settled, testBroker, testClient, VirtualClock } from './kit.ts';

// learn.microsoft.com/azure/service-bus-messaging/topic-filters, .../service-bus-dead-letter-queues ("Session ID is null."),
// .../duplicate-detection

const only = (kind: string) => [
  { name: kind, filter: { kind: 'correlation' as const, applicationProperties: { kind } } },
];

function topics(...described: TopicDescription[]) {
  return { topology: { queues: [], topics: described } };
}

test('every subscription with a matching rule gets one copy, whatever else happens to the others', async () => {
  const broker = await testBroker(
    topics({
      name: 'events',
      subscriptions: [
        { name: 'all' },
        {
          name: 'red',
          rules: [...only('red'), { name: 'urgent', filter: { kind: 'correlation', subject: 'urgent' } }],
        },
        { name: 'none', rules: [{ name: 'never', filter: { kind: 'false' } }] },
      ],
    }),
  );
  const client = testClient(broker);
  await client.createSender('events').sendMessages([
    { body: 1, subject: 'urgent', applicationProperties: { kind: 'red' } },
    { body: 2, applicationProperties: { kind: 'Red' } },
    { body: 3, subject: 'urgent' },
  ]);
  const red = client.createReceiver('events', 'red');
  const all = client.createReceiver('events', 'all');
  const fromRed = await red.receiveMessages(5);
  const fromAll = await all.receiveMessages(5);
  expect(fromRed.map((message) => message.body)).toEqual([1, 3]);
  expect(fromAll.map((message) => message.body)).toEqual([1, 2, 3]);
  for (const message of fromRed) await red.completeMessage(message);
  if (fromAll[0]) await all.abandonMessage(fromAll[0], { changed: true });
  const [again] = await all.receiveMessages(1);
  expect(again).toMatchObject({ body: 1, applicationProperties: { kind: 'red', changed: true } });
  expect(await broker.status()).toMatchObject([
    { name: 'events', kind: 'topic' },
    { name: 'events/Subscriptions/all', active: 3 },
    { name: 'events/Subscriptions/red', active: 0 },
    { name: 'events/Subscriptions/none', active: 0 },
  ]);
});

test('a message without a session ends in the dead letters of a session subscription', async () => {
  const broker = await testBroker(
    topics({ name: 't', subscriptions: [{ name: 's', requiresSession: true }, { name: 'plain' }] }),
  );
  const client = testClient(broker);
  await client.createSender('t').sendMessages([{ body: 1 }, { body: 2, sessionId: 'a' }]);
  const [dead] = await client.createReceiver('t', 's', { subQueueType: 'deadLetter' }).receiveMessages(1);
  expect(dead).toMatchObject({
    body: 1,
    deadLetterReason: 'Session ID is null.',
    deadLetterSource: 't/Subscriptions/s',
  });
  const session = await client.acceptNextSession('t', 's');
  expect(await session.receiveMessages(1)).toMatchObject([{ body: 2 }]);
  expect(await client.createReceiver('t', 'plain').receiveMessages(2)).toHaveLength(2);
});

test('a topic detects duplicates before the fan-out and keeps scheduled messages until they are due', async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({
    ...topics({ name: 't', requiresDuplicateDetection: true, subscriptions: [{ name: 'a' }, { name: 'b' }] }),
    clock,
  });
  const client = testClient(broker);
  const sender = client.createSender('t');
  await sender.sendMessages({ body: 1, messageId: 'same' });
  await sender.sendMessages({ body: 2, messageId: 'same' });
  await sender.scheduleMessages({ body: 3 }, new Date(clock.now() + 1000));
  expect(await broker.status()).toMatchObject([{ scheduled: 1 }, { active: 1 }, { active: 1 }]);
  clock.advance(1000);
  await settled();
  expect(await broker.status()).toMatchObject([{ scheduled: 0 }, { active: 2 }, { active: 2 }]);
});

// github.com/Azure/azure-service-bus/issues/277
test('a message that no subscription wants is accepted and gone', async () => {
  const none = { name: 'none', rules: [{ name: 'r', filter: { kind: 'false' as const } }] };
  const broker = await testBroker(topics({ name: 't', subscriptions: [none] }, { name: 'bare' }));
  const client = testClient(broker);
  for (const topic of ['t', 'bare']) await client.createSender(topic).sendMessages({ body: 1 });
  expect(await client.createReceiver('t', 'none').peekMessages(1)).toEqual([]);
  expect(await client.createReceiver('t', 'none', { subQueueType: 'deadLetter' }).peekMessages(1)).toEqual(
    [],
  );
  await broker.declare(topics({ name: 'bare', subscriptions: [{ name: 'late' }] }).topology);
  expect(await client.createReceiver('bare', 'late').peekMessages(1)).toEqual([]);
});

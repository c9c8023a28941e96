import type { ServiceBusClient } from '@azure/service-bus';
import Long from 'long';
import { expect, test } from 'vitest';
import type { QueueDescription, SubscriptionDescription } from '../../src/index.ts';
import { settled, testBroker, testClient, VirtualClock } from './kit.ts';

// What actions do to a copy on its way: learn.microsoft.com/azure/service-bus-messaging/service-bus-messaging-sql-rule-action,
// .../topic-filters#actions; system properties that are no text: github.com/Azure/azure-service-bus/issues/180 and 373

async function topic(
  clock: VirtualClock,
  subscriptions: SubscriptionDescription[],
  queues: QueueDescription[] = [],
): Promise<ServiceBusClient> {
  const topics = [{ name: 't', requiresDuplicateDetection: true, subscriptions }];
  return testClient(await testBroker({ topology: { queues, topics }, clock }));
}

function acting(
  name: string,
  expression: string,
  more: Partial<SubscriptionDescription> = {},
): SubscriptionDescription {
  return { name, rules: [{ name: 'r', filter: { kind: 'true' }, action: { expression } }], ...more };
}

test('a time to live that an action sets counts for the copy, below the ceilings of topic and subscription', async () => {
  const clock = new VirtualClock();
  const client = await topic(clock, [
    acting('short', "SET sys.TimeToLive = '00:00:10'", { deadLetteringOnMessageExpiration: true }),
    acting('capped', "SET sys.TimeToLive = '1.00:00:00'", { defaultMessageTimeToLive: 'PT20S' }),
    { name: 'plain' },
  ]);
  await client.createSender('t').sendMessages({ body: 1, timeToLive: 3_600_000 });
  // The client reckons it from its own time of sending.
  const ttl = async (name: string) =>
    (await client.createReceiver('t', name).peekMessages(1, { fromSequenceNumber: Long.ONE })).map(
      ({ timeToLive = 0 }) => Math.round(timeToLive / 10_000) * 10_000,
    );
  expect([await ttl('short'), await ttl('capped'), await ttl('plain')]).toEqual([
    [10_000],
    [20_000],
    [3_600_000],
  ]);
  clock.advance(10_000);
  await settled();
  const dead = client.createReceiver('t', 'short', { subQueueType: 'deadLetter' });
  expect(await dead.peekMessages(1)).toMatchObject([{ deadLetterReason: 'TTLExpiredException' }]);
  expect(await ttl('capped')).toEqual([20_000]);
  clock.advance(10_000);
  await settled();
  expect(await ttl('capped')).toEqual([]);
  expect(await ttl('plain')).toEqual([3_600_000]);
});

// "if you set ScheduledEnqueueTime in an action it is ignored on the subscription", but auto-forwarding looks at it again.
test('a schedule that an action sets holds nothing up in the subscription, and counts where it is forwarded to', async () => {
  const clock = new VirtualClock();
  const later = new Date(clock.now() + 60_000);
  const expression = `SET sys.ScheduledEnqueueTimeUtc = '${later.toISOString()}'`;
  const client = await topic(
    clock,
    [acting('here', expression), acting('onwards', expression, { forwardTo: 'q' })],
    [{ name: 'q' }],
  );
  await client.createSender('t').sendMessages({ body: 1 });
  expect(await client.createReceiver('t', 'here').receiveMessages(1)).toMatchObject([
    { body: 1, scheduledEnqueueTimeUtc: later },
  ]);
  const receiver = client.createReceiver('q', { receiveMode: 'receiveAndDelete' });
  expect(await receiver.peekMessages(1)).toMatchObject([{ body: 1, state: 'scheduled' }]);
  expect(await receiver.receiveMessages(1, { maxWaitTimeInMs: 300 })).toEqual([]);
  clock.advance(60_000);
  expect(await receiver.receiveMessages(1)).toMatchObject([
    { body: 1, applicationProperties: { RuleName: 'r' } },
  ]);
});

test('keys that an action sets go out with the copy', async () => {
  const client = await topic(new VirtualClock(), [
    acting(
      's',
      "SET sys.PartitionKey = 'k'; SET sys.MessageId = 'same'; SET sys.ReplyToSessionId = sys.SessionId",
    ),
  ]);
  await client.createSender('t').sendMessages([
    { body: 1, messageId: 'a', sessionId: 'x', partitionKey: 'x' },
    { body: 2, messageId: 'b' },
  ]);
  expect(await client.createReceiver('t', 's').peekMessages(5)).toMatchObject([
    { body: 1, messageId: 'same', partitionKey: 'k', sessionId: 'x', replyToSessionId: 'x' },
    { body: 2, messageId: 'same', partitionKey: 'k' },
  ]);
});

// learn.microsoft.com/azure/service-bus-messaging/topic-filters: duplicates are detected at the topic, before its rules.
test('ids that an action makes equal are no duplicates here, but where copies are forwarded to', async () => {
  const client = await topic(
    new VirtualClock(),
    [acting('s', "SET sys.MessageId = 'same'", { forwardTo: 'q' })],
    [{ name: 'q', requiresDuplicateDetection: true }],
  );
  await client.createSender('t').sendMessages([
    { body: 1, messageId: 'a' },
    { body: 2, messageId: 'b' },
    { body: 3, messageId: 'a' },
  ]);
  await settled();
  expect(await client.createReceiver('q').peekMessages(5)).toMatchObject([{ body: 1, messageId: 'same' }]);
});

test('an action that cannot be carried out makes a dead letter of the message as it came', async () => {
  const client = await topic(new VirtualClock(), [acting('s', 'SET x = price / parts')]);
  await client.createSender('t').sendMessages({ body: 1, applicationProperties: { price: 4, parts: 0 } });
  const dead = client.createReceiver('t', 's', { subQueueType: 'deadLetter' });
  expect(await dead.peekMessages(1)).toMatchObject([
    {
      body: 1,
      applicationProperties: { price: 4, parts: 0 },
      deadLetterErrorDescription: 'Attempted to divide by zero.',
    },
  ]);
});

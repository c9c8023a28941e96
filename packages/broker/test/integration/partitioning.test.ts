import { expect, test } from 'vitest';
import { queues, testBroker, testClient } from './kit.ts';
import { rawClient } from './raw-client.ts';

// learn.microsoft.com/azure/service-bus-messaging/service-bus-partitioning ("Using a partition key"),
// .../duplicate-detection ("Duplicate detection for partitioned entities")

const partitioned = { name: 'q', enablePartitioning: true };
const bodies = (messages: { body: unknown }[]) => messages.map(({ body }) => body);

test('a partitioned queue keeps the order of a partition key', async () => {
  const client = testClient(await testBroker(queues(partitioned)));
  const sender = client.createSender('q');
  for (let body = 0; body < 6; body += 1) {
    await sender.sendMessages({ body, partitionKey: body % 2 === 0 ? 'even' : 'odd' });
  }
  const messages = await client.createReceiver('q').receiveMessages(6);
  const of = (key: string) => bodies(messages.filter(({ partitionKey }) => partitionKey === key));
  expect(of('even')).toEqual([0, 2, 4]);
  expect(of('odd')).toEqual([1, 3, 5]);
});

// "If SessionId and PartitionKey are both set they must be identical, else Service Bus returns an invalid operation."
// The client checks it too.
test('a session and a partition key that differ are refused where there are partitions', async () => {
  const broker = await testBroker(queues(partitioned, { name: 'whole' }));
  const { connection } = await rawClient(broker);
  const send = async (name: string, session: string) => {
    const sender = connection.open_sender(name);
    await new Promise((resolve) => sender.once('sendable', resolve));
    const told = new Promise((resolve) => {
      sender.once('accepted', () => resolve('accepted'));
      sender.once('rejected', ({ delivery }) => resolve(delivery?.remote_state?.error?.condition));
    });
    sender.send({ body: 1, group_id: session, message_annotations: { 'x-opt-partition-key': 'key' } });
    return told;
  };
  expect(await send('q', 'other')).toBe('amqp:not-allowed');
  expect(await send('q', 'key')).toBe('accepted');
  // The empty session beside any key.
  expect(await send('q', '')).toBe('accepted');
  expect(await send('whole', 'other')).toBe('accepted');
});

// "When partitioning is enabled, MessageId+PartitionKey is used to determine uniqueness"; with sessions the key is the session.
test.each(['partitionKey', 'sessionId'])('the same id is no duplicate under another %s', async (key) => {
  const duplicates = { requiresDuplicateDetection: true, requiresSession: key === 'sessionId' };
  const client = testClient(
    await testBroker(queues({ ...partitioned, ...duplicates }, { ...duplicates, name: 'whole' })),
  );
  for (const name of ['q', 'whole']) {
    const sender = client.createSender(name);
    for (const [body, value] of ['a', 'b', 'a'].entries())
      await sender.sendMessages({ body, messageId: 'm', [key]: value });
  }
  expect(bodies(await client.createReceiver('q').peekMessages(5))).toEqual([0, 1]);
  expect(bodies(await client.createReceiver('whole').peekMessages(5))).toEqual([0]);
});

// github.com/Azure/azure-amqp/issues/118
test('a batch goes to one partition where duplicates are detected', async () => {
  const detecting = { ...partitioned, requiresDuplicateDetection: true };
  const client = testClient(await testBroker(queues(detecting)));
  const sender = client.createSender('q');
  const batch = (...of: object[]) => sender.sendMessages(of.map((fields, body) => ({ body, ...fields })));
  for (const mixed of [
    [{ messageId: 'a' }, { messageId: 'b' }],
    [{ partitionKey: 'a' }, { partitionKey: 'b' }],
    [{ sessionId: 'a' }, { sessionId: 'b' }],
  ]) {
    await expect(batch(...mixed)).rejects.toThrow(/Batching brokered messages with distinct/);
  }
  await batch({ messageId: 'a', partitionKey: 'k' }, { messageId: 'b', partitionKey: 'k' });
  expect(await client.createReceiver('q').peekMessages(5)).toHaveLength(2);
});

// .../service-bus-amqp-request-response and the client's deleteMessages: not for partitioned entities.
test('messages cannot be deleted in batches', async () => {
  const raw = await rawClient(await testBroker(queues(partitioned)));
  const reply = await raw.manage(
    'q',
    { operation: 'com.microsoft:batch-delete-messages' },
    { 'message-count': 1, 'enqueued-time-utc': new Date() },
  );
  expect(reply.properties).toMatchObject({ statusCode: 400, errorCondition: 'amqp:not-allowed' });
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createBroker } from '../../src/index.ts';
import { adminClient } from './admin-client.ts';
import { queues, settled, testBroker, testClient } from './kit.ts';

// learn.microsoft.com/rest/api/servicebus/ and the reference of ServiceBusAdministrationClient; github.com/Azure/azure-sdk-for-js,
// sdk/servicebus/service-bus: test/public/atomManagement.spec.ts, src/serviceBusAtomManagementClient.ts, src/util/atomXmlHelper.ts

const notFound = { code: 'MessageEntityNotFoundError' };
const refused = { code: 'ServiceError', statusCode: 400 };

test('a queue is created, read, changed, found and deleted', async () => {
  const broker = await testBroker();
  const admin = adminClient(broker);
  const described = {
    lockDuration: 'PT45S',
    maxSizeInMegabytes: 2048,
    requiresDuplicateDetection: true,
    requiresSession: true,
    defaultMessageTimeToLive: 'P2D',
    deadLetteringOnMessageExpiration: true,
    duplicateDetectionHistoryTimeWindow: 'PT1M',
    maxDeliveryCount: 7,
    enableBatchedOperations: false,
    autoDeleteOnIdle: 'PT1H',
    enablePartitioning: true,
    status: 'SendDisabled' as const,
    userMetadata: 'a <note> & more',
    maxMessageSizeInKilobytes: 256,
  };
  // 16 partitions of the size that was asked for.
  const made = { ...described, name: 'Orders/new', maxSizeInMegabytes: 16 * 2048 };
  expect(await admin.createQueue('Orders/new', described)).toMatchObject(made);
  expect(await admin.getQueue('orders/NEW')).toMatchObject(made);
  expect(await admin.queueExists('Orders/new')).toBe(true);

  const queue = await admin.getQueue('Orders/new');
  await admin.updateQueue({ ...queue, maxDeliveryCount: 3, status: 'Active', userMetadata: 'changed' });
  expect(await admin.getQueue('Orders/new')).toMatchObject({
    ...made,
    maxDeliveryCount: 3,
    status: 'Active',
    userMetadata: 'changed',
  });

  await admin.deleteQueue('Orders/new');
  expect(await admin.queueExists('Orders/new')).toBe(false);
});

test("an undescribed queue has the service's defaults", async () => {
  const admin = adminClient(await testBroker());
  const forever = 'P10675199DT2H48M5.4775807S';
  expect(await admin.createQueue('q')).toMatchObject({
    name: 'q',
    lockDuration: 'PT1M',
    maxSizeInMegabytes: 1024,
    maxDeliveryCount: 10,
    requiresSession: false,
    requiresDuplicateDetection: false,
    duplicateDetectionHistoryTimeWindow: 'PT10M',
    defaultMessageTimeToLive: forever,
    autoDeleteOnIdle: forever,
    deadLetteringOnMessageExpiration: false,
    enableBatchedOperations: true,
    enablePartitioning: false,
    enableExpress: false,
    status: 'Active',
    availabilityStatus: 'Available',
    maxMessageSizeInKilobytes: 256,
  });
});

test('topics, subscriptions and rules are created, read, changed, found and deleted', async () => {
  const broker = await testBroker();
  const admin = adminClient(broker);
  await admin.createTopic('t', { defaultMessageTimeToLive: 'P1D', userMetadata: 'about t' });
  expect(await admin.getTopic('T')).toMatchObject({
    name: 't',
    defaultMessageTimeToLive: 'P1D',
    userMetadata: 'about t',
    supportOrdering: true,
  });
  await admin.updateTopic({ ...(await admin.getTopic('t')), defaultMessageTimeToLive: 'P3D' });
  expect(await admin.topicExists('t')).toBe(true);

  await admin.createSubscription('t', 's', {
    maxDeliveryCount: 4,
    deadLetteringOnFilterEvaluationExceptions: false,
    defaultRuleOptions: {
      name: 'red',
      filter: { applicationProperties: { color: 'red', size: 3, big: true } },
    },
  });
  expect(await admin.getSubscription('t', 's')).toMatchObject({
    topicName: 't',
    subscriptionName: 's',
    maxDeliveryCount: 4,
    deadLetteringOnFilterEvaluationExceptions: false,
    status: 'Active',
  });
  expect(await admin.getRule('t', 's', 'red')).toMatchObject({
    name: 'red',
    filter: { applicationProperties: { color: 'red', size: 3, big: true } },
  });
  await admin.createRule('t', 's', 'urgent', { subject: 'urgent', correlationId: 'c' });
  await admin.updateRule('t', 's', {
    ...(await admin.getRule('t', 's', 'urgent')),
    filter: { subject: 'very urgent' },
  });
  expect((await admin.getRule('t', 's', 'urgent')).filter).toMatchObject({ subject: 'very urgent' });

  // An update of the subscription leaves its rules alone.
  await admin.updateSubscription({ ...(await admin.getSubscription('t', 's')), maxDeliveryCount: 5 });
  expect((await admin.getSubscription('t', 's')).maxDeliveryCount).toBe(5);
  const sender = testClient(broker).createSender('t');
  await sender.sendMessages([
    { body: 1, applicationProperties: { color: 'red', size: 3, big: true } },
    { body: 2, subject: 'urgent' },
    { body: 3, subject: 'very urgent' },
  ]);
  const received = await testClient(broker).createReceiver('t', 's').receiveMessages(3);
  expect(received.map(({ body }) => body)).toEqual([1, 3]);

  await admin.deleteRule('t', 's', 'red');
  expect(await admin.ruleExists('t', 's', 'red')).toBe(false);
  await admin.deleteSubscription('t', 's');
  expect(await admin.subscriptionExists('t', 's')).toBe(false);
  await admin.deleteTopic('t');
  expect(await admin.topicExists('t')).toBe(false);
});

test('a subscription begins with the rule $Default, which lets everything through', async () => {
  const admin = adminClient(await testBroker());
  await admin.createTopic('t');
  await admin.createSubscription('t', 's');
  const rules = [];
  for await (const rule of admin.listRules('t', 's')) rules.push(rule);
  expect(rules).toMatchObject([{ name: '$Default', filter: { sqlExpression: '1=1' } }]);
});

test('SQL rules keep their expressions and parameters; one that cannot be parsed is refused', async () => {
  const admin = adminClient(await testBroker());
  await admin.createTopic('t');
  await admin.createSubscription('t', 's');
  await admin.createRule(
    't',
    's',
    'sql',
    { sqlExpression: "color = @color AND size > 3 AND note <> 'a<b'", sqlParameters: { '@color': 'red' } },
    { sqlExpression: 'SET priority = 1' },
  );
  expect(await admin.getRule('t', 's', 'sql')).toMatchObject({
    filter: {
      sqlExpression: "color = @color AND size > 3 AND note <> 'a<b'",
      sqlParameters: { '@color': 'red' },
    },
    action: { sqlExpression: 'SET priority = 1' },
  });
  await expect(admin.createRule('t', 's', 'bad', { sqlExpression: 'color = = 1' })).rejects.toMatchObject(
    refused,
  );
  await expect(
    admin.createRule('t', 's', 'bad', { sqlExpression: '1=1' }, { sqlExpression: 'MAKE it so' }),
  ).rejects.toMatchObject(refused);
});

test('lists come in pages', async () => {
  const names = Array.from({ length: 7 }, (_, index) => `q${index}`);
  const admin = adminClient(await testBroker(queues(...names.map((name) => ({ name })))));
  const listed: string[] = [];
  for await (const queue of admin.listQueues()) listed.push(queue.name);
  expect(listed).toEqual(names);
  const pages: string[][] = [];
  for await (const page of admin.listQueues().byPage({ maxPageSize: 3 }))
    pages.push(page.map(({ name }) => name));
  expect(pages).toEqual([['q0', 'q1', 'q2'], ['q3', 'q4', 'q5'], ['q6']]);
  const rest = admin.listQueues().byPage({ maxPageSize: 3, continuationToken: '5' });
  expect((await rest.next()).value.map(({ name }: { name: string }) => name)).toEqual(['q5', 'q6']);

  await admin.createTopic('t');
  for (const name of ['b', 'a']) await admin.createSubscription('t', name);
  const subscriptions = [];
  for await (const { subscriptionName } of admin.listSubscriptions('t')) subscriptions.push(subscriptionName);
  expect(subscriptions).toEqual(['a', 'b']);
  const topics = [];
  for await (const { name } of admin.listTopics()) topics.push(name);
  expect(topics).toEqual(['t']);
});

test('runtime properties count what is there', async () => {
  const broker = await testBroker({
    topology: {
      queues: [{ name: 'q' }],
      topics: [{ name: 't', subscriptions: [{ name: 's' }, { name: 's2' }] }],
    },
  });
  const admin = adminClient(broker);
  const client = testClient(broker);
  const sender = client.createSender('q');
  await sender.sendMessages([{ body: 1 }, { body: 2 }, { body: 3 }, { body: 4 }]);
  const soon = new Date(Date.now() + 600_000);
  await sender.scheduleMessages({ body: 5 }, soon);
  const receiver = client.createReceiver('q');
  const [first, second] = await receiver.receiveMessages(2);
  if (!first || !second) throw new Error('nothing was received');
  await receiver.deadLetterMessage(first);
  await receiver.deferMessage(second);
  const runtime = await admin.getQueueRuntimeProperties('q');
  expect(runtime).toMatchObject({
    name: 'q',
    activeMessageCount: 2,
    deadLetterMessageCount: 1,
    scheduledMessageCount: 1,
    transferMessageCount: 0,
    transferDeadLetterMessageCount: 0,
    totalMessageCount: 5,
  });
  expect(runtime.sizeInBytes).toBeGreaterThan(0);
  expect(Math.abs(Date.now() - runtime.createdAt.valueOf())).toBeLessThan(60_000);

  await client.createSender('t').sendMessages({ body: 1 });
  await client.createSender('t').scheduleMessages({ body: 2 }, soon);
  expect(await admin.getTopicRuntimeProperties('t')).toMatchObject({
    name: 't',
    subscriptionCount: 2,
    scheduledMessageCount: 1,
  });
  expect(await admin.getSubscriptionRuntimeProperties('t', 's')).toMatchObject({
    subscriptionName: 's',
    topicName: 't',
    activeMessageCount: 1,
    totalMessageCount: 1,
  });
});

test('what is not there and what is there already is told apart', async () => {
  const admin = adminClient(await testBroker());
  await expect(admin.getQueue('no')).rejects.toMatchObject(notFound);
  await expect(admin.deleteQueue('no')).rejects.toMatchObject(notFound);
  await expect(admin.createSubscription('no', 's')).rejects.toMatchObject(notFound);
  await expect(admin.getSubscription('no', 's')).rejects.toMatchObject(notFound);
  const queue = await admin.createQueue('q');
  await expect(admin.createQueue('Q')).rejects.toMatchObject({ code: 'MessageEntityAlreadyExistsError' });
  await expect(admin.createTopic('q')).rejects.toMatchObject({ code: 'MessageEntityAlreadyExistsError' });
  await admin.deleteQueue('q');
  await expect(admin.updateQueue(queue)).rejects.toMatchObject(notFound);
});

test.each([
  ['a lock of six minutes', { lockDuration: 'PT6M' }],
  ['a lock that is no duration', { lockDuration: 'a minute' }],
  ['no deliveries', { maxDeliveryCount: 0 }],
  ['a window of a second', { requiresDuplicateDetection: true, duplicateDetectionHistoryTimeWindow: 'PT1S' }],
  ['deletion after a minute', { autoDeleteOnIdle: 'PT1M' }],
  ['a destination that is not there', { forwardTo: 'nowhere' }],
  ['itself as destination of its dead letters', { forwardDeadLetteredMessagesTo: 'q' }],
  ['a message size of the premium tier', { maxMessageSizeInKilobytes: 1024 }],
  ['a smaller message size', { maxMessageSizeInKilobytes: 255 }],
  ['metadata without end', { userMetadata: 'x'.repeat(1025) }],
  [
    'Manage alone',
    {
      authorizationRules: [{ claimType: 'SharedAccessKey', keyName: 'k', accessRights: ['Manage' as const] }],
    },
  ],
])('a queue with %s is refused', async (_, options) => {
  const admin = adminClient(await testBroker());
  await expect(admin.createQueue('q', options)).rejects.toMatchObject(refused);
  expect(await admin.queueExists('q')).toBe(false);
});

test.each(['q?', 'a b', '-', 'x'.repeat(261)])('the name %j is refused', async (name) => {
  const admin = adminClient(await testBroker());
  await expect(admin.createQueue(encodeURIComponent(name))).rejects.toMatchObject(refused);
});

test('what cannot be changed is refused, and the entity stays', async () => {
  const admin = adminClient(await testBroker());
  const queue = await admin.createQueue('q');
  await expect(admin.updateQueue({ ...queue, requiresSession: true })).rejects.toMatchObject(refused);
  await expect(admin.updateQueue({ ...queue, requiresDuplicateDetection: true })).rejects.toMatchObject(
    refused,
  );
  expect(await admin.getQueue('q')).toMatchObject({
    requiresSession: false,
    requiresDuplicateDetection: false,
  });
});

test('forwarding comes back as an absolute address of the same host', async () => {
  const broker = await testBroker(queues({ name: 'to' }));
  const admin = adminClient(broker);
  const queue = await admin.createQueue('q', { forwardTo: 'to', forwardDeadLetteredMessagesTo: 'to' });
  expect(queue.forwardTo).toBe(`sb://127.0.0.1:${broker.port}/to`);
  expect(queue.forwardDeadLetteredMessagesTo).toBe(`sb://127.0.0.1:${broker.port}/to`);
});

test('the namespace tells its name and tier; the older api version works', async () => {
  const broker = await testBroker();
  expect(await adminClient(broker).getNamespaceProperties()).toMatchObject({ messagingSku: 'Standard' });
  const older = adminClient(broker, { serviceVersion: '2017-04' });
  const queue = await older.createQueue('q', { maxDeliveryCount: 2 });
  expect(queue).toMatchObject({ name: 'q', maxDeliveryCount: 2 });
  expect(queue.maxMessageSizeInKilobytes).toBeUndefined();
});

test('a wrong key is refused', async () => {
  const broker = await testBroker();
  const connectionString = broker.connectionString.replace(/SharedAccessKey=[^;]+/, 'SharedAccessKey=AAAA');
  await expect(adminClient(broker, { connectionString }).getQueue('q')).rejects.toMatchObject({
    code: 'UnauthorizedRequestError',
  });
});

test('entities made at run time, and what was deleted, survive a restart', async () => {
  const data = await mkdtemp(join(tmpdir(), 'quorate-admin-'));
  onTestFinished(() => rm(data, { recursive: true }));
  const first = await createBroker({ data, port: 0, ...queues({ name: 'gone' }, { name: 'declared' }) });
  const admin = adminClient(first);
  await admin.createTopic('t');
  await admin.createSubscription('t', 's', { maxDeliveryCount: 4 });
  await admin.createRule('t', 's', 'urgent', { subject: 'urgent' });
  await testClient(first)
    .createSender('gone')
    .sendMessages([{ body: 1 }, { body: 2 }]);
  await testClient(first).createSender('t').sendMessages({ body: 3 });
  const { createdAt } = await admin.getTopicRuntimeProperties('t');
  await admin.deleteQueue('gone');
  await first.stop();

  const second = await testBroker({ data });
  const again = adminClient(second);
  expect(await again.queueExists('gone')).toBe(false);
  expect(await again.queueExists('declared')).toBe(true);
  expect((await again.getSubscription('t', 's')).maxDeliveryCount).toBe(4);
  expect(await again.ruleExists('t', 's', 'urgent')).toBe(true);
  expect((await again.getTopicRuntimeProperties('t')).createdAt).toEqual(createdAt);
  expect(await testClient(second).createReceiver('t', 's').receiveMessages(1)).toHaveLength(1);
  // A new queue of the old name begins empty.
  await again.createQueue('gone');
  expect((await again.getQueueRuntimeProperties('gone')).totalMessageCount).toBe(0);
});

test('the links of a deleted queue end; senders and receivers are told that it is not there', async () => {
  const broker = await testBroker(queues({ name: 'q' }, { name: 'q/below' }));
  const client = testClient(broker);
  const sender = client.createSender('q');
  await sender.sendMessages({ body: 1 });
  const below = client.createSender('q/below');
  await below.sendMessages({ body: 1 });
  const receiver = client.createReceiver('q');
  const [message] = await receiver.receiveMessages(1);
  if (!message) throw new Error('nothing was received');
  await adminClient(broker).deleteQueue('q');
  await settled();
  await expect(sender.sendMessages({ body: 2 })).rejects.toMatchObject({ code: 'MessagingEntityNotFound' });
  await expect(client.createReceiver('q').receiveMessages(1)).rejects.toMatchObject({
    code: 'MessagingEntityNotFound',
  });
  await below.sendMessages({ body: 2 });
  expect((await broker.status()).map(({ name, active }) => [name, active])).toEqual([['q/below', 2]]);
});

test('a deleted subscription takes its copies along and leaves those of the others', async () => {
  const data = await mkdtemp(join(tmpdir(), 'quorate-admin-'));
  onTestFinished(() => rm(data, { recursive: true }));
  const subscriptions = [{ name: 'a' }, { name: 'b' }];
  const topology = { queues: [], topics: [{ name: 't', subscriptions }] };
  const first = await createBroker({ data, port: 0, topology });
  await testClient(first)
    .createSender('t')
    .sendMessages([{ body: 1 }, { body: 2 }]);
  await adminClient(first).deleteSubscription('t', 'a');
  await first.stop();

  const second = await testBroker({ data });
  const received = await testClient(second).createReceiver('t', 'b').receiveMessages(2);
  expect(received.map(({ body }) => body)).toEqual([1, 2]);
  await adminClient(second).deleteTopic('t');
  await expect(testClient(second).createReceiver('t', 'b').receiveMessages(1)).rejects.toMatchObject({
    code: 'MessagingEntityNotFound',
  });
  expect(await second.status()).toEqual([]);
});

test('the standard tier has one size of messages, which may be said', async () => {
  const admin = adminClient(await testBroker());
  const described = await admin.createQueue('q', { maxMessageSizeInKilobytes: 256 });
  expect(await admin.updateQueue(described)).toMatchObject({ maxMessageSizeInKilobytes: 256 });
});

// atomManagement.spec.ts, "MaxMessageSizeInKilobytes"; .../service-bus-premium-messaging#large-messages-support
test('the premium tier has its own size of messages', async () => {
  const admin = adminClient(await testBroker({ tier: 'premium' }));
  expect(await admin.createQueue('q')).toMatchObject({ maxMessageSizeInKilobytes: 1024 });
  expect(await admin.createTopic('t', { maxMessageSizeInKilobytes: 102_400 })).toMatchObject({
    maxMessageSizeInKilobytes: 102_400,
  });
  for (const maxMessageSizeInKilobytes of [1023, 102_401]) {
    await expect(admin.createQueue('other', { maxMessageSizeInKilobytes })).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining("'MaxMessageSizeInKilobytes' must be between 1024 and 102400"),
    });
  }
  expect(await admin.getNamespaceProperties()).toMatchObject({ messagingSku: 'Premium' });
});

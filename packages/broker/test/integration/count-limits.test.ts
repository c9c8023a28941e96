import { expect, test } from 'vitest';
import type { Broker, RuleDescription, Topology } from '../../src/index.ts';
import { adminClient } from './admin-client.ts';
import { testBroker, testClient } from './kit.ts';
import { rawClient } from './raw-client.ts';

// learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas. Both clients call it a quota:
// sdk/servicebus/service-bus/src/util/atomXmlHelper.ts (403) and src/serviceBusError.ts (amqp:resource-limit-exceeded).

const overQuota = { code: 'QuotaExceededError', statusCode: 403 };
const times = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, index) => make(index));

/** What is too much is refused wherever it is asked for, and there is room again when one has gone. */
async function expectFull(broker: Broker, more: Topology): Promise<void> {
  await expect(broker.declare(more)).rejects.toMatchObject({
    code: 'BROKER_TOPOLOGY_INVALID',
    message: expect.stringContaining('Max allowed'),
  });
}

test('a namespace has 10,000 queues and topics', async () => {
  const topics = times(9999, (index) => ({ name: `t${index}` }));
  const broker = await testBroker({ topology: { queues: [{ name: 'q' }], topics } });
  const admin = adminClient(broker);
  await expectFull(broker, { queues: [{ name: 'more' }], topics: [] });
  await expect(admin.createTopic('more')).rejects.toMatchObject(overQuota);
  await admin.updateTopic({ ...(await admin.getTopic('t1')), userMetadata: 'changed' });
  await admin.deleteTopic('t1');
  await admin.createTopic('more');
  await expect(admin.createQueue('another')).rejects.toMatchObject(overQuota);
});

test('the premium tier has 1,000 of them for each unit', async () => {
  const topics = times(1000, (index) => ({ name: `t${index}` }));
  const broker = await testBroker({ topology: { queues: [], topics }, tier: 'premium' });
  await expectFull(broker, { queues: [{ name: 'more' }], topics: [] });
});

test('100 of them can be partitioned', async () => {
  const queues = times(100, (index) => ({ name: `q${index}`, enablePartitioning: true }));
  const broker = await testBroker({ topology: { queues, topics: [] } });
  await expect(adminClient(broker).createQueue('p', { enablePartitioning: true })).rejects.toMatchObject(
    overQuota,
  );
  await adminClient(broker).createQueue('p');
});

test('a topic has 2,000 subscriptions', async () => {
  const subscriptions = times(2000, (index) => ({ name: `s${index}`, rules: [] }));
  const broker = await testBroker({
    topology: { queues: [], topics: [{ name: 't', subscriptions }, { name: 't2' }] },
  });
  const admin = adminClient(broker);
  await expect(admin.createSubscription('t', 'more')).rejects.toMatchObject(overQuota);
  await expectFull(broker, {
    queues: [],
    topics: [{ name: 't', subscriptions: [{ name: 'more', rules: [] }] }],
  });
  await admin.createSubscription('t2', 'more');
  await admin.deleteSubscription('t', 's1');
  await admin.createSubscription('t', 'more');
});

test.each<[string, number, (index: number) => RuleDescription['filter']]>([
  ['SQL', 2000, (index) => (index === 0 ? { kind: 'true' } : { kind: 'sql', expression: `n = ${index}` })],
  ['correlation', 100_000, (index) => ({ kind: 'correlation', correlationId: String(index) })],
])(
  'a topic has so many %s filters over its subscriptions: %d',
  { timeout: 150_000 },
  async (kind, count, filter) => {
    const rules = times(count - 1, (index) => ({ name: `r${index}`, filter: filter(index) }));
    const one = { name: 'last', filter: filter(count) };
    const broker = await testBroker({
      topology: {
        queues: [],
        topics: [
          {
            name: 't',
            subscriptions: [
              { name: 'many', rules },
              { name: 'one', rules: [one] },
              { name: 'none', rules: [] },
            ],
          },
        ],
      },
    });
    const given = kind === 'SQL' ? { sqlExpression: '1=1' } : { correlationId: 'c' };
    const manager = testClient(broker).createRuleManager('t', 'none');
    await expect(manager.createRule('more', given)).rejects.toMatchObject({ code: 'QuotaExceeded' });
    const admin = adminClient(broker);
    await expect(admin.createRule('t', 'none', 'more', given)).rejects.toMatchObject(overQuota);
    const subscriptions = [{ name: 'none', rules: [one] }];
    await expectFull(broker, { queues: [], topics: [{ name: 't', subscriptions }] });
    if (kind === 'SQL')
      await expect(admin.createSubscription('t', 'defaults')).rejects.toMatchObject(overQuota);
    // The other kind has a limit of its own, and a rule can be changed.
    await manager.createRule('other', kind === 'SQL' ? { correlationId: 'c' } : { sqlExpression: '1=1' });
    await admin.updateRule('t', 'one', { ...(await admin.getRule('t', 'one', 'last')), filter: given });
    await admin.deleteRule('t', 'one', 'last');
    await manager.createRule('more', given);
  },
);

test('names have 260 characters, those of subscriptions and rules 50', async () => {
  const broker = await testBroker();
  const name = (length: number) => 'x'.repeat(length);
  const topic = (length: number): Topology => ({
    queues: [],
    topics: [{ name: 't', subscriptions: [{ name: name(length) }] }],
  });
  await broker.declare({ queues: [{ name: name(260) }], topics: [{ name: `t${name(259)}` }] });
  await broker.declare(topic(50));
  const refused = { code: 'BROKER_TOPOLOGY_INVALID' };
  await expect(broker.declare({ queues: [{ name: name(261) }], topics: [] })).rejects.toMatchObject(refused);
  await expect(broker.declare(topic(51))).rejects.toMatchObject(refused);
  const admin = adminClient(broker);
  await expect(admin.createSubscription('t', name(51))).rejects.toMatchObject({ statusCode: 400 });
  await expect(admin.createRule('t', name(50), name(51), { subject: 'x' })).rejects.toMatchObject({
    statusCode: 400,
  });
  await admin.createRule('t', name(50), name(50), { subject: 'x' });
});

// "Number of concurrent receive requests on a queue, topic, or subscription": 5,000, over all subscriptions of a topic.
test('5,000 receivers are on a queue, or on all subscriptions of a topic together', {
  timeout: 150_000,
}, async () => {
  const broker = await testBroker({
    topology: {
      queues: [{ name: 'q' }],
      topics: [{ name: 't', subscriptions: [{ name: 'a' }, { name: 'b' }] }],
    },
  });
  const attached = async (source: string, count: number) => {
    const { connection } = await rawClient(broker);
    const receivers = times(count, (index) =>
      connection.open_receiver({ source, name: `${source} ${index}`, credit_window: 0 }),
    );
    const [last] = receivers.slice(-1);
    await new Promise((resolve) => last?.once('receiver_open', resolve));
    return receivers;
  };
  const [first] = [await attached('q', 2500), await attached('q', 2500)];
  await attached('t/Subscriptions/a', 2500);
  await attached('t/Subscriptions/b/$DeadLetterQueue', 2500);
  const client = testClient(broker);
  const refused = { code: 'QuotaExceeded' };
  await expect(client.createReceiver('q').receiveMessages(1)).rejects.toMatchObject(refused);
  await expect(client.createReceiver('t', 'b').receiveMessages(1)).rejects.toMatchObject(refused);
  await client.createSender('q').sendMessages({ body: 1 });
  const [leaves] = first;
  leaves?.close();
  await new Promise((resolve) => leaves?.once('receiver_close', resolve));
  expect(await client.createReceiver('q').receiveMessages(1)).toHaveLength(1);
});

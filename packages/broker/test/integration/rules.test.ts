import type { RuleProperties, ServiceBusClient, ServiceBusReceivedMessage } from '@azure/service-bus';
import { expect, test } from 'vitest';
import type { Broker, RuleDescription, SubscriptionDescription } from '../../src/index.ts';
import { testBroker, testClient } from './kit.ts';
import { rawClient } from './raw-client.ts';

// learn.microsoft.com/azure/service-bus-messaging/topic-filters, .../service-bus-amqp-request-response#rule-operations;
// github.com/Azure/azure-sdk-for-js, sdk/servicebus/service-bus/test/public/ruleManager.spec.ts (also: rules are listed in
// the order of their names)

async function topic(...subscriptions: SubscriptionDescription[]): Promise<[ServiceBusClient, Broker]> {
  const broker = await testBroker({ topology: { queues: [], topics: [{ name: 't', subscriptions }] } });
  return [testClient(broker), broker];
}

function sql(name: string, expression: string, action?: string): RuleDescription {
  const rule: RuleDescription = { name, filter: { kind: 'sql', expression } };
  return action === undefined ? rule : { ...rule, action: { expression: action } };
}

async function listed(rules: AsyncIterable<RuleProperties>): Promise<RuleProperties[]> {
  const found: RuleProperties[] = [];
  // The SDK makes one `undefined` of an empty list.
  for await (const rule of rules) if (rule as unknown) found.push(rule);
  return found;
}

/** What is in a subscription now, by peeking. */
function stored(client: ServiceBusClient, name: string): Promise<ServiceBusReceivedMessage[]> {
  return client.createReceiver('t', name).peekMessages(20);
}

test('SQL filters select by user and system properties', async () => {
  const [client] = await topic(
    { name: 'blue', rules: [sql('r', "color = 'blue' AND quantity >= 10")] },
    { name: 'bus', rules: [sql('r', "sys.Label LIKE '%bus%' OR user.tag IN ('queue', 'topic')")] },
    { name: 'absent', rules: [sql('r', 'NOT EXISTS(color) AND tag IS NOT NULL')] },
    { name: 'half', rules: [sql('r', 'price * 2 = 5')] },
  );
  await client.createSender('t').sendMessages([
    { body: 1, applicationProperties: { Color: 'blue', quantity: 10 } },
    { body: 2, subject: 'a bus', applicationProperties: { color: 'Blue', quantity: 11 } },
    { body: 3, applicationProperties: { tag: 'topic', price: 2.5 } },
  ]);
  const bodies = async (name: string) => (await stored(client, name)).map(({ body }) => body);
  expect(await bodies('blue')).toEqual([1]);
  expect(await bodies('bus')).toEqual([2, 3]);
  expect(await bodies('absent')).toEqual([3]);
  expect(await bodies('half')).toEqual([3]);
});

test('two rules with actions and three without make three copies, the named ones changed', async () => {
  const [client] = await topic({
    name: 's',
    rules: [
      sql('a', '1=1'),
      sql('Halve', "color = 'red'", "SET quantity = quantity / 2; SET sys.Label = 'halved'"),
      { name: 'b', filter: { kind: 'true' } },
      {
        name: 'Bare',
        filter: { kind: 'correlation', applicationProperties: { color: 'red' } },
        action: { expression: 'REMOVE color' },
      },
      { name: 'c', filter: { kind: 'correlation', subject: 'original' } },
    ],
  });
  await client.createSender('t').sendMessages({
    body: { some: 'body' },
    subject: 'original',
    applicationProperties: { color: 'red', quantity: 10 },
  });
  const copies = (await stored(client, 's')).map(({ body, subject, applicationProperties }) => ({
    body,
    subject,
    ...applicationProperties,
  }));
  expect(copies).toHaveLength(3);
  const body = { some: 'body' };
  expect(copies).toContainEqual({ body, subject: 'original', color: 'red', quantity: 10 });
  expect(copies).toContainEqual({ body, subject: 'halved', color: 'red', quantity: 5, RuleName: 'Halve' });
  expect(copies).toContainEqual({ body, subject: 'original', quantity: 10, RuleName: 'Bare' });
});

test('an action sets the session a copy belongs to', async () => {
  const [client] = await topic({
    name: 's',
    requiresSession: true,
    rules: [sql('r', '1=1', 'SET sys.SessionId = customer')],
  });
  await client.createSender('t').sendMessages({ body: 1, applicationProperties: { customer: 'c1' } });
  const session = await client.acceptSession('t', 's', 'c1');
  expect(await session.receiveMessages(1)).toMatchObject([{ body: 1, sessionId: 'c1' }]);
});

test('a filter that fails dead-letters the message, or loses it where that is switched off', async () => {
  const rules = [sql('r', 'sys.Nope = 1')];
  const [client] = await topic(
    { name: 'kept', rules },
    { name: 'lost', rules, deadLetteringOnFilterEvaluationExceptions: false },
  );
  await client.createSender('t').sendMessages({ body: 1 });
  const deadOf = (name: string) =>
    client.createReceiver('t', name, { subQueueType: 'deadLetter' }).peekMessages(1);
  expect(await deadOf('kept')).toMatchObject([
    {
      body: 1,
      deadLetterSource: 't/Subscriptions/kept',
      deadLetterErrorDescription: "The system property 'Nope' does not exist.",
    },
  ]);
  expect(await deadOf('lost')).toEqual([]);
  expect(await stored(client, 'kept')).toEqual([]);
});

test('the rule manager adds, lists and removes rules', async () => {
  const [client] = await topic({ name: 's' });
  const manager = client.createRuleManager('t', 's');
  expect(await listed(manager.listRules())).toEqual([
    { name: '$Default', filter: { sqlExpression: '1=1' }, action: {} },
  ]);
  await manager.deleteRule('$Default');
  expect(await listed(manager.listRules())).toEqual([]);
  await manager.createRule('priority', { sqlExpression: 'priority > 3' }, { sqlExpression: 'SET seen = 1' });
  await manager.createRule('plain', { sqlExpression: "color = 'blue'" });
  await manager.createRule('whole', {
    correlationId: 'c',
    messageId: 'm',
    to: 't',
    replyTo: 'r',
    subject: 'l',
    sessionId: 's',
    replyToSessionId: 'rs',
    contentType: 'ct',
    applicationProperties: { text: 'x', number: 3, flag: true },
  });
  expect(await listed(manager.listRules())).toEqual([
    { name: 'plain', filter: { sqlExpression: "color = 'blue'" }, action: {} },
    {
      name: 'priority',
      filter: { sqlExpression: 'priority > 3' },
      action: { sqlExpression: 'SET seen = 1' },
    },
    {
      name: 'whole',
      filter: {
        correlationId: 'c',
        messageId: 'm',
        to: 't',
        replyTo: 'r',
        subject: 'l',
        sessionId: 's',
        replyToSessionId: 'rs',
        contentType: 'ct',
        applicationProperties: { text: 'x', number: 3, flag: true },
      },
      action: {},
    },
  ]);
  await client.createSender('t').sendMessages([
    { body: 1, applicationProperties: { priority: 4 } },
    { body: 2, applicationProperties: { priority: 3 } },
  ]);
  expect(await stored(client, 's')).toMatchObject([
    { body: 1, applicationProperties: { priority: 4, seen: 1, RuleName: 'priority' } },
  ]);
});

test('more rules than a page holds are listed once each', async () => {
  const rules = Array.from({ length: 250 }, (_, index) => sql(`r${index}`, `n = ${index}`));
  const [client] = await topic({ name: 's', rules });
  const names = (await listed(client.createRuleManager('t', 's').listRules())).map(({ name }) => name);
  expect(names).toEqual(rules.map(({ name }) => name).sort());
});

test('wrong rules are refused by name', async () => {
  const [client] = await topic({ name: 's' });
  const manager = client.createRuleManager('t', 's');
  await expect(manager.createRule('$default', { sqlExpression: '1=1' })).rejects.toMatchObject({
    code: 'MessagingEntityAlreadyExists',
  });
  await expect(manager.deleteRule('missing')).rejects.toMatchObject({ code: 'MessagingEntityNotFound' });
  await expect(manager.createRule('bad', { sqlExpression: 'color =' })).rejects.toThrow(/ends too early/);
  await expect(
    manager.createRule('bad', { sqlExpression: '1=1' }, { sqlExpression: 'SET sys.Nope = 1' }),
  ).rejects.toThrow(/does not exist/);
  await expect(manager.createRule('x'.repeat(51), { sqlExpression: '1=1' })).rejects.toThrow(/1 to 50/);
  expect(await listed(manager.listRules())).toHaveLength(1);
});

// azservicebus for Rust, examples/manage_rules.rs, shows it
test('the default rule is as old as its subscription', async () => {
  const before = Date.now();
  const raw = await rawClient(
    await testBroker({ topology: { queues: [], topics: [{ name: 't', subscriptions: [{ name: 's' }] }] } }),
  );
  const { body } = await raw.manage(
    't/Subscriptions/s',
    { operation: 'com.microsoft:enumerate-rules' },
    { top: 1, skip: 0 },
  );
  const [rule] = body['rules'] as { 'rule-description': { value: { value: unknown }[] } }[];
  const createdAt = rule?.['rule-description'].value.at(-1)?.value as Date;
  expect(createdAt.getTime()).toBeGreaterThanOrEqual(before);
});

test('enumerate-rules answers 204 behind the last rule, and only subscriptions have rules', async () => {
  const [, broker] = await topic({ name: 's' });
  const raw = await rawClient(broker);
  const list = async (entity: string, skip: number) =>
    (await raw.manage(entity, { operation: 'com.microsoft:enumerate-rules' }, { top: 10, skip })).properties;
  expect(await list('t/Subscriptions/s', 0)).toMatchObject({ statusCode: 200 });
  expect(await list('t/Subscriptions/s', 1)).toMatchObject({ statusCode: 204 });
  expect(await list('t', 0)).toMatchObject({ statusCode: 400, errorCondition: 'amqp:not-allowed' });
});

test('a topology with rules that cannot be is refused', async () => {
  await expect(topic({ name: 's', rules: [sql('r', 'color')] })).rejects.toMatchObject({
    code: 'BROKER_TOPOLOGY_INVALID',
  });
  await expect(topic({ name: 's', rules: [sql('r', '1=1'), sql('R', '1=1')] })).rejects.toMatchObject({
    code: 'BROKER_TOPOLOGY_INVALID',
  });
});

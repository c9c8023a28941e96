import type { RuleProperties, SqlRuleFilter } from '@azure/service-bus';
import rhea from 'rhea';
import { expect, test } from 'vitest';
import type { Broker, PropertyValue, SubscriptionDescription } from '../../src/index.ts';
import { adminClient } from './admin-client.ts';
import { amqpValue } from './amqp-values.ts';
import { testBroker, testClient } from './kit.ts';
import { type RawClient, rawClient, sasToken } from './raw-client.ts';

// Types of values in rules: github.com/Azure/azure-sdk-for-js, sdk/servicebus/service-bus/test/public/ruleManager.spec.ts
// and test/public/atomManagement.spec.ts; github.com/Azure/azure-sdk-for-net, sdk/servicebus/Azure.Messaging.ServiceBus/src
// /Administration/XmlObjectConvertor.cs (ATOM) and /Amqp/AmqpMessageConverter.cs (timespan).

const { types } = rhea;
const AT = new Date('2025-06-01T10:00:00.000Z');

async function topic(...subscriptions: SubscriptionDescription[]): Promise<Broker> {
  return testBroker({ topology: { queues: [], topics: [{ name: 't', subscriptions }] } });
}

async function bodies(broker: Broker, subscription: string): Promise<unknown[]> {
  const messages = await testClient(broker).createReceiver('t', subscription).peekMessages(50);
  return messages.map(({ body }) => body);
}

/** Sends each value as the property `p` of a message of its own, with the value's place as body. */
async function send(raw: RawClient, values: unknown[]): Promise<void> {
  const sender = raw.connection.open_sender('t');
  await new Promise((resolve) => sender.once('sendable', resolve));
  for (const [body, p] of values.entries()) {
    const done = new Promise((resolve) => sender.once('accepted', resolve));
    sender.send({ body, application_properties: { p } });
    await done;
  }
}

test('a rule manager gets back what it put in, and messages match by value', async () => {
  const broker = await topic({ name: 's', rules: [] });
  const client = testClient(broker);
  const manager = client.createRuleManager('t', 's');
  const filter = {
    applicationProperties: { at: AT, whole: 3, half: 2.5, large: 2 ** 40, yes: true, text: 'x' },
  };
  await manager.createRule('r', filter);
  const listed: RuleProperties[] = [];
  for await (const rule of manager.listRules()) listed.push(rule);
  expect(listed).toMatchObject([{ name: 'r', filter }]);
  expect(listed[0]?.filter).toHaveProperty('applicationProperties', filter.applicationProperties);
  await client.createSender('t').sendMessages([
    { body: 1, applicationProperties: filter.applicationProperties },
    { body: 2, applicationProperties: { ...filter.applicationProperties, at: new Date(+AT + 1) } },
    { body: 3, applicationProperties: { ...filter.applicationProperties, large: 2 ** 40 + 1 } },
  ]);
  expect(await bodies(broker, 's')).toEqual([1]);
});

const SPAN = '00a316636f6d2e6d6963726f736f66743a74696d657370616e810000000000989680';
const ENCODED: [string, string][] = [
  ['int', '7100000003'],
  ['long', '81000000000000000a'],
  ['double', '824008000000000000'],
  ['timestamp', '8300000181cd4cdc00'],
  ['uuid', '9800112233445566778899aabbccddeeff'],
  ['timespan', SPAN],
  ['string', 'a10178'],
  ['false', '42'],
  ['ulong', '80ffffffffffffffff'],
  ['decimal', '842238000000000001'],
];

test.each(ENCODED)(
  'a correlation filter keeps a value of type %s as it was encoded, and matches it',
  async (_, hex) => {
    const broker = await topic({ name: 's', rules: [] });
    const raw = await rawClient(broker);
    const rule = {
      'correlation-filter': types.wrap_map({ properties: types.wrap_map({ p: amqpValue(hex) }) }),
    };
    const added = await raw.manage(
      't/Subscriptions/s',
      { operation: 'com.microsoft:add-rule' },
      { 'rule-name': 'r', 'rule-description': types.wrap_map(rule) },
    );
    expect(added.properties).toMatchObject({ statusCode: 200 });
    const { encoded } = await raw.manage(
      't/Subscriptions/s',
      { operation: 'com.microsoft:enumerate-rules' },
      { top: 1, skip: 0 },
    );
    expect(encoded.toString('hex')).toContain(`a10170${hex}`);
    await send(
      raw,
      ENCODED.map(([, each]) => amqpValue(each)),
    );
    const same = hex === '7100000003' || hex === '824008000000000000' ? ['int', 'double'] : [_];
    expect((await bodies(broker, 's')).map((place) => ENCODED[place as number]?.[0])).toEqual(same);
  },
);

test('the administration client gets back dates in filters and parameters', async () => {
  const broker = await topic({ name: 's', rules: [] });
  const admin = adminClient(broker);
  const correlation = { applicationProperties: { at: AT, whole: 3, half: 2.5, yes: true, text: 'x' } };
  await admin.createRule('t', 's', 'c', correlation);
  // The type leaves dates out, the client sends them.
  const sql = {
    sqlExpression: 'p = @at',
    sqlParameters: { '@at': AT, '@half': 2.5, '@text': 'x', '@yes': false },
  } as object as Required<SqlRuleFilter>;
  const action = { sqlExpression: 'SET x = @at', sqlParameters: sql.sqlParameters };
  await admin.createRule('t', 's', 'q', sql, action);
  expect((await admin.getRule('t', 's', 'c')).filter).toMatchObject(correlation);
  expect(await admin.getRule('t', 's', 'q')).toMatchObject({ filter: sql, action });
});

const SCHEMA = 'http://www.w3.org/2001/XMLSchema';
const SERIALIZATION = 'http://schemas.microsoft.com/2003/10/Serialization/';

test.each([
  ['int', SCHEMA, '3', '7100000003'],
  ['long', SCHEMA, '3', '810000000000000003'],
  ['double', SCHEMA, '3', '824008000000000000'],
  ['boolean', SCHEMA, 'true', '41'],
  ['string', SCHEMA, 'x', 'a10178'],
  ['dateTime', SCHEMA, '2022-07-05T06:35:00Z', '8300000181cd11ba20'],
  ['duration', SERIALIZATION, 'PT1S', SPAN],
  ['guid', SERIALIZATION, '00112233-4455-6677-8899-aabbccddeeff', '9800112233445566778899aabbccddeeff'],
])('a %s in XML stays one, and matches', async (type, namespace, text, hex) => {
  const broker = await topic({ name: 's', rules: [] });
  const at = `http://127.0.0.1:${broker.port}/t/Subscriptions/s/Rules/r?api-version=2021-05`;
  const pairs = (name: string) =>
    `<${name}><KeyValueOfstringanyType><Key>p</Key><Value xmlns:d6p1="${namespace}" i:type="d6p1:${type}">${text}</Value></KeyValueOfstringanyType></${name}>`;
  const response = await fetch(at, {
    method: 'PUT',
    headers: { authorization: sasToken(broker, at) },
    body: `<entry xmlns="http://www.w3.org/2005/Atom"><content type="application/xml"><RuleDescription xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns="http://schemas.microsoft.com/netservices/2010/10/servicebus/connect"><Filter i:type="CorrelationFilter">${pairs('Properties')}</Filter><Name>r</Name></RuleDescription></content></entry>`,
  });
  expect(response.status).toBe(201);
  const value = /<Value ([^>]*)>([^<]*)<\/Value>/.exec(await response.text());
  expect(value?.[1]).toContain(`xmlns:d6p1="${namespace}"`);
  expect(value?.[1]).toContain(`i:type="d6p1:${type}"`);
  expect(value?.[2]).toBe(text);
  const raw = await rawClient(broker);
  const { encoded } = await raw.manage(
    't/Subscriptions/s',
    { operation: 'com.microsoft:enumerate-rules' },
    { top: 1, skip: 0 },
  );
  expect(encoded.toString('hex')).toContain(`a10170${hex}`);
  await send(raw, [amqpValue(hex), 'other', null]);
  expect(await bodies(broker, 's')).toEqual([0]);
});

test('a value that is not of its type is refused', async () => {
  const wrong: PropertyValue = { type: 'dateTime', value: 'tomorrow' };
  const described = (applicationProperties: Record<string, PropertyValue>): SubscriptionDescription => ({
    name: 's',
    rules: [{ name: 'r', filter: { kind: 'correlation', applicationProperties } }],
  });
  await expect(topic(described({ p: wrong }))).rejects.toMatchObject({ code: 'BROKER_TOPOLOGY_INVALID' });
  await topic(described({ p: { type: 'dateTime', value: '2025-06-01T10:00:00' } }));
});

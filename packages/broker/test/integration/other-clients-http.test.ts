import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import type { Broker } from '../../src/index.ts';
import { jsonWebToken } from './json-web-token.ts';
import { queues, testBroker, testClient } from './kit.ts';
import { sasToken } from './raw-client.ts';

// What the clients of other languages do over HTTP and TLS and look for: azure-sdk-for-go sdk/messaging/azservicebus, whose
// admin_client_test.go runs against the service; azure-sdk-for-java azure-messaging-servicebus.

const RULE = '<AccessRights>Send</AccessRights>';

interface Ask {
  method?: string;
  /** The description, without its namespace. */
  content?: string;
  token?: string;
  update?: boolean;
}

async function ask(broker: Broker, path: string, { method, content, token, update }: Ask = {}) {
  const url = `http://localhost:${broker.port}/${path}`;
  const response = await fetch(url, {
    method: method ?? (content ? 'PUT' : 'GET'),
    headers: {
      authorization: token ?? sasToken(broker, url),
      ...(update ? { 'if-match': '*' } : {}),
    },
    ...(content ? { body: `<entry><content type="application/xml">${content}</content></entry>` } : {}),
  });
  return { status: response.status, text: await response.text() };
}

const field = (text: string, name: string) => new RegExp(`<${name}>([^<]*)`).exec(text)?.[1];

// internal/atom/per_retry_auth_policy.go; ServiceBusTokenCredentialHttpPolicy.java
test('a bare JSON web token authorizes as one after Bearer does', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const token = jsonWebToken(60);
  expect((await ask(broker, 'q', { token })).status).toBe(200);
  expect((await ask(broker, 'q', { token: `Bearer ${token}` })).status).toBe(200);
  expect((await ask(broker, 'q', { token: 'nonsense' })).status).toBe(401);
});

test("numeric references are read, as Go's encoder writes quotes", async () => {
  const broker = await testBroker({
    topology: { queues: [], topics: [{ name: 't', subscriptions: [{ name: 's' }] }] },
  });
  const filter =
    '<Filter p:type="SqlFilter" xmlns:p="x"><SqlExpression>a = &#39;it&#39;&#39;s&#x27;</SqlExpression></Filter>';
  const content = `<RuleDescription>${filter}</RuleDescription>`;
  const { status, text } = await ask(broker, 't/Subscriptions/s/Rules/r', { content });
  expect([status, field(text, 'SqlExpression')]).toEqual([201, "a = 'it''s'"]);
});

// TestAdminClient_QueueWithMaxValues, TestAdminClient_UpdateQueue, TestAdminClient_UpdateTopic
test('a partitioned entity has 16 times the size, and what cannot be changed is said as the service says it', async () => {
  const broker = await testBroker();
  const size = '<MaxSizeInMegabytes>2048</MaxSizeInMegabytes><EnablePartitioning>true</EnablePartitioning>';
  const made = await ask(broker, 'q', { content: `<QueueDescription>${size}</QueueDescription>` });
  expect(field(made.text, 'MaxSizeInMegabytes')).toBe('32768');
  const content = `<QueueDescription>${size.replace('2048', '32768')}</QueueDescription>`;
  const changed = await ask(broker, 'q', { content, update: true });
  expect(field(changed.text, 'MaxSizeInMegabytes')).toBe('32768');
  for (const [setting, why] of [
    [
      'RequiresSession>true',
      'The value for the RequiresSession property of an existing Queue cannot be changed.',
    ],
    ['EnablePartitioning>false', 'Partitioning cannot be changed for Queue.'],
  ]) {
    const [name] = setting?.split('>') ?? [];
    const refused = `<QueueDescription><${setting}</${name}></QueueDescription>`;
    expect((await ask(broker, 'q', { content: refused, update: true })).text).toContain(why);
  }
});

// createAuthorizationRulesForTest; TestAdminClient_Queue_Forwarding
test('times of authorization rules come back as they were sent, a forwarding address with scheme and host in lower case', async () => {
  const broker = await testBroker(queues({ name: 'to' }));
  const rule = (name: string, time: string) =>
    `<AuthorizationRule><Rights>${RULE}</Rights>${time}<KeyName>${name}</KeyName></AuthorizationRule>`;
  const rules = rule('old', '<CreatedTime>2022-01-12T01:28:26Z</CreatedTime>') + rule('new', '');
  const forward = `<ForwardTo>HTTPS://LocalHost:${broker.port}/to</ForwardTo>`;
  const content = `<QueueDescription><AuthorizationRules>${rules}</AuthorizationRules>${forward}</QueueDescription>`;
  const { text } = await ask(broker, 'q', { content });
  expect(text.match(/<CreatedTime>[^<]*/g)).toEqual(['<CreatedTime>2022-01-12T01:28:26Z']);
  expect(field(text, 'ForwardTo')).toBe(`https://localhost:${broker.port}/to`);
  const client = testClient(broker);
  await client.createSender('q').sendMessages({ body: 1 });
  expect(await client.createReceiver('to').receiveMessages(1)).toHaveLength(1);
});

// TestAdminClient_LackPermissions_Queue, TestAdminClient_LackPermissions_Subscription
test('whoever may not manage is told in the words of the service', async () => {
  const broker = await testBroker({
    topology: { queues: [{ name: 'q' }], topics: [{ name: 't', subscriptions: [{ name: 's' }] }] },
    keys: { k: { key: 'c2VuZA==', rights: ['Send', 'Listen'] } },
  });
  for (const [path, method, why] of [
    ['q', 'GET', '<Detail>Manage,EntityRead claims required for this operation.'],
    ['$Resources/Queues', 'GET', '<Detail>Manage,EntityRead claims required for this operation.'],
    ['q', 'PUT', 'Authorization failed for specified action: Manage,EntityWrite.'],
    ['q', 'DELETE', 'Authorization failed for specified action: Manage,EntityDelete.'],
    [
      't/Subscriptions/x',
      'GET',
      "401 SubCode=40100: Unauthorized : Unauthorized access for 'GetSubscription' operation",
    ],
    ['t/Subscriptions', 'GET', "Unauthorized access for 'EnumerateSubscriptions' operation"],
    ['t/Subscriptions/s', 'PUT', "Unauthorized access for 'CreateOrUpdateSubscription'"],
  ]) {
    const answer = await ask(broker, path ?? '', { method: method ?? '' });
    expect([answer.status, answer.text]).toEqual([401, expect.stringContaining(why ?? '')]);
  }
  expect(await ask(broker, 'nothing')).toMatchObject({ status: 200, text: expect.stringContaining('<feed') });
});

// TestAdminClient_TopicFilterCounts_Live, testTopicCreation; ServiceBusAdministrationAsyncClient.java, getSubscriptionExists
test('what is unused has not been accessed, filters are counted since 2024-05, a missing subscription is 404', async () => {
  const broker = await testBroker({
    topology: { queues: [{ name: 'q' }], topics: [{ name: 't', subscriptions: [{ name: 's' }] }] },
  });
  const topic = await ask(broker, 't?api-version=2024-05');
  expect([field(topic.text, 'AccessedAt'), field(topic.text, 'SqlFilterCount')]).toEqual([
    '0001-01-01T00:00:00',
    '1',
  ]);
  expect(field(topic.text, 'CorrelationFilterCount')).toBe('0');
  expect((await ask(broker, 't?api-version=2021-05')).text).not.toContain('FilterCount');
  await testClient(broker).createSender('q').sendMessages({ body: 1 });
  const accessed = Date.parse(field((await ask(broker, 'q')).text, 'AccessedAt') ?? '');
  expect(Math.abs(Date.now() - accessed)).toBeLessThan(60_000);
  expect((await ask(broker, 't/Subscriptions/nothing')).status).toBe(404);
  expect((await ask(broker, 't/Subscriptions/s/Rules/nothing')).status).toBe(404);
});

test('the premium tier says so and has its own default size of messages', async () => {
  const broker = await testBroker({ ...queues({ name: 'q' }), tier: 'premium' });
  expect((await ask(broker, '$namespaceinfo')).text).toContain('<MessagingSKU>Premium</MessagingSKU>');
  expect(field((await ask(broker, 'q')).text, 'MaxMessageSizeInKilobytes')).toBe('1024');
});

// client_test.go, TestNewClientWithWebsockets; WebSocketUpgrade.createUpgradeRequest in qpid-proton-j-extensions
test.each([
  ['amqp', '/$servicebus/websocket'],
  ['AMQPWSB10', 'https://localhost/$servicebus/websocket'],
])('a web socket is opened with the protocol %s at %s', async (protocol, path) => {
  const broker = await testBroker();
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    'sec-websocket-protocol': protocol,
  };
  const upgrade = request({ port: broker.port, host: '127.0.0.1', path, headers });
  const chosen = await new Promise((resolve, reject) => {
    upgrade.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve(response.headers['sec-websocket-protocol']);
    });
    upgrade.on('response', ({ statusCode }) => reject(new Error(String(statusCode)))).end();
  });
  expect(chosen).toBe(protocol);
});

// go-amqp, conn.go: the server's name for TLS is the host name of the connection, which the client gives with its port.
test('a certificate names host and port together to whoever asks for both', async () => {
  const broker = await testBroker({ tls: true });
  const ca = readFileSync(broker.caFile ?? '', 'utf8');
  expect(ca.endsWith('-----END CERTIFICATE-----\n')).toBe(true);
  const namesFor = async (servername: string) => {
    const socket = connect({
      port: broker.port,
      host: '127.0.0.1',
      ca,
      servername,
      checkServerIdentity: () => undefined,
    });
    onTestFinished(() => void socket.destroy());
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    return socket.getPeerCertificate().subjectaltname;
  };
  const own = `localhost:${broker.port}`;
  expect(await namesFor(own)).toContain(`DNS:${own}`);
  expect(await namesFor('localhost:1')).not.toContain('localhost:');
});

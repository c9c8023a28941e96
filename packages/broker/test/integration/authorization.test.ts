import { ServiceBusClient } from '@azure/service-bus';
import { expect, onTestFinished, test } from 'vitest';
import { adminClient } from './admin-client.ts';
import { jsonWebToken } from './json-web-token.ts';
import { queues, testBroker, testClient } from './kit.ts';
import { rawClient, sasToken } from './raw-client.ts';

// learn.microsoft.com/azure/service-bus-messaging/service-bus-sas, .../service-bus-amqp-protocol-guide ("Claims-based
// authorization"); what the client sends and looks for: github.com/Azure/azure-sdk-for-js, sdk/core/core-amqp/src/cbs.ts and
// src/errors.ts (a missing entity is known by its text)

test('a wrong key is refused by name', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const client = testClient(
    broker,
    broker.connectionString.replace(/SharedAccessKey=[^;]+/, 'SharedAccessKey=AAAA'),
  );
  await expect(client.createSender('q').sendMessages({ body: 1 })).rejects.toMatchObject({
    code: 'UnauthorizedAccess',
  });
});

test('signature, expiry and audience of a token are checked', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const raw = await rawClient(broker);
  const audience = `sb://127.0.0.1:${broker.port}/q`;
  const elsewhere = `sb://127.0.0.1:${broker.port}/other`;
  const refused = { 'status-code': 401, 'error-condition': 'amqp:unauthorized-access' };
  expect(await raw.putToken(audience, sasToken(broker, audience))).toMatchObject({ 'status-code': 202 });
  expect(await raw.putToken(audience, sasToken(broker, audience, { key: 'no' }))).toMatchObject(refused);
  expect(
    await raw.putToken(audience, sasToken(broker, audience, { expiresAt: Date.now() - 1000 })),
  ).toMatchObject(refused);
  expect(await raw.putToken(audience, sasToken(broker, elsewhere))).toMatchObject(refused);
  expect(await raw.putToken(audience, 'any.jwt.here', 'jwt')).toMatchObject(refused);
  expect(await raw.putToken(audience, jsonWebToken(-1), 'jwt')).toMatchObject(refused);
  expect(await raw.putToken(audience, jsonWebToken(60, 'https://vault.azure.net'), 'jwt')).toMatchObject(
    refused,
  );
  expect(await raw.putToken(audience, jsonWebToken(60), 'jwt')).toMatchObject({ 'status-code': 202 });
});

test('keys can be given', async () => {
  const broker = await testBroker({ ...queues({ name: 'q' }), keys: { mine: 'c2VjcmV0' } });
  expect(broker.connectionString).toContain('SharedAccessKeyName=mine;SharedAccessKey=c2VjcmV0;');
  await testClient(broker).createSender('q').sendMessages({ body: 1 });
});

test('an unknown entity is told so that the client understands it', async () => {
  const broker = await testBroker();
  const client = testClient(broker);
  // test/public/serviceBusClient.spec.ts: the address is the client's own.
  const missing = {
    code: 'MessagingEntityNotFound',
    message: expect.stringMatching(/^The messaging entity 'sb:\/\/127\.0\.0\.1(:\d+)?\/no/),
  };
  await expect(client.createSender('no').sendMessages({ body: 1 })).rejects.toMatchObject(missing);
  await expect(client.createReceiver('no').receiveMessages(1)).rejects.toMatchObject(missing);
  await expect(client.createReceiver('no').peekMessages(1)).rejects.toMatchObject(missing);
});

test('entity names are compared without case', async () => {
  const broker = await testBroker(queues({ name: 'Orders' }));
  const client = new ServiceBusClient(broker.connectionString);
  onTestFinished(() => client.close());
  await client.createSender('orders').sendMessages({ body: 1 });
  expect(await client.createReceiver('ORDERS').receiveMessages(1)).toHaveLength(1);
});

// learn.microsoft.com/azure/service-bus-messaging/service-bus-sas#rights-required-for-service-bus-operations

test('the keys of a queue do what their rights say, with that queue and no other', async () => {
  const broker = await testBroker(queues({ name: 'other' }));
  const authorizationRules = (['Send', 'Listen'] as const).map((right) => ({
    claimType: 'SharedAccessKey',
    keyName: right,
    accessRights: [right],
    primaryKey: `${right}-primary`,
    secondaryKey: `${right}-secondary`,
  }));
  const created = await adminClient(broker).createQueue('q', { authorizationRules });
  expect(created.authorizationRules).toMatchObject(authorizationRules);
  const as = (name: string, key: string) =>
    `Endpoint=sb://127.0.0.1:${broker.port};SharedAccessKeyName=${name};SharedAccessKey=${key};UseDevelopmentEmulator=true;`;
  const sending = testClient(broker, as('Send', 'Send-primary'));
  const listening = testClient(broker, as('Listen', 'Listen-secondary'));
  const unauthorized = { code: 'UnauthorizedAccess' };

  await sending.createSender('q').sendMessages({ body: 1 });
  await sending.createSender('q').scheduleMessages({ body: 2 }, new Date(Date.now() + 600_000));
  await expect(sending.createReceiver('q').receiveMessages(1)).rejects.toMatchObject(unauthorized);
  await expect(sending.createReceiver('q').peekMessages(1)).rejects.toMatchObject(unauthorized);
  await expect(sending.createSender('other').sendMessages({ body: 1 })).rejects.toMatchObject(unauthorized);

  const [message] = await listening.createReceiver('q').receiveMessages(1);
  expect(message?.body).toBe(1);
  await expect(listening.createSender('q').sendMessages({ body: 3 })).rejects.toMatchObject(unauthorized);
  await expect(
    listening.createSender('q').scheduleMessages({ body: 3 }, new Date(Date.now() + 600_000)),
  ).rejects.toMatchObject(unauthorized);
  await expect(
    adminClient(broker, { connectionString: as('Listen', 'Listen-primary') }).getQueue('q'),
  ).rejects.toMatchObject({ code: 'UnauthorizedRequestError' });
});

test('a key of the namespace can be limited', async () => {
  const broker = await testBroker({
    ...queues({ name: 'q' }),
    keys: { listener: { key: 'secret', rights: ['Listen'] } },
  });
  const client = testClient(broker);
  await expect(client.createSender('q').sendMessages({ body: 1 })).rejects.toMatchObject({
    code: 'UnauthorizedAccess',
  });
  expect(await client.createReceiver('q').peekMessages(1)).toEqual([]);
});

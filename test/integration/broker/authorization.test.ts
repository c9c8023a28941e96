import { ServiceBusClient } from '@azure/service-bus';
import { expect, onTestFinished, test } from 'vitest';
import { queues, testBroker, testClient } from './kit.ts';
import { rawClient, sasToken } from './raw-client.ts';

// facts/service-bus.md 1.2 and 1.3

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
  expect(await raw.putToken(audience, 'any.jwt.here', 'jwt')).toMatchObject({ 'status-code': 202 });
});

test('keys can be given', async () => {
  const broker = await testBroker({ ...queues({ name: 'q' }), keys: { mine: 'c2VjcmV0' } });
  expect(broker.connectionString).toContain('SharedAccessKeyName=mine;SharedAccessKey=c2VjcmV0;');
  await testClient(broker).createSender('q').sendMessages({ body: 1 });
});

test('an unknown entity is told so that the client understands it', async () => {
  const broker = await testBroker();
  const client = testClient(broker);
  const missing = { code: 'MessagingEntityNotFound' };
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

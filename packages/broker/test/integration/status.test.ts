import { expect, test } from 'vitest';
import { queues, settled, testBroker, testClient } from './kit.ts';

// learn.microsoft.com/azure/service-bus-messaging/entity-suspend; the code is that of com.microsoft:entity-disabled in
// github.com/Azure/azure-sdk-for-js, sdk/core/core-amqp/src/errors.ts

const disabled = expect.objectContaining({ code: 'MessagingEntityDisabled' });

test('a disabled entity neither takes nor gives', async () => {
  const client = testClient(await testBroker(queues({ name: 'q', status: 'Disabled' })));
  await expect(client.createSender('q').sendMessages({ body: 1 })).rejects.toEqual(disabled);
  await expect(client.createReceiver('q').receiveMessages(1)).rejects.toEqual(disabled);
});

test('one half can be disabled and come back with everything in it', async () => {
  const broker = await testBroker(queues({ name: 'q', status: 'ReceiveDisabled' }));
  const client = testClient(broker);
  const sender = client.createSender('q');
  await sender.sendMessages({ body: 1 });
  await expect(client.createReceiver('q').receiveMessages(1)).rejects.toEqual(disabled);
  await broker.declare({ queues: [{ name: 'q', status: 'SendDisabled' }], topics: [] });
  await settled();
  await expect(sender.sendMessages({ body: 2 })).rejects.toEqual(disabled);
  expect(await client.createReceiver('q').receiveMessages(1)).toMatchObject([{ body: 1 }]);
});

test('whoever is connected when it happens is told', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const client = testClient(broker);
  const told = new Promise<unknown>((resolve) => {
    client.createReceiver('q').subscribe({
      processMessage: async () => {},
      processError: async ({ error }) => resolve(error),
    });
  });
  const sender = client.createSender('q');
  await sender.sendMessages({ body: 0 });
  await broker.declare({ queues: [{ name: 'q', status: 'Disabled' }], topics: [] });
  expect(await told).toEqual(disabled);
  await settled();
  await expect(sender.sendMessages({ body: 1 })).rejects.toEqual(disabled);
});

test('a subscription that is disabled keeps its copies', async () => {
  const broker = await testBroker({
    topology: {
      queues: [],
      topics: [{ name: 't', subscriptions: [{ name: 's', status: 'ReceiveDisabled' }] }],
    },
  });
  const client = testClient(broker);
  await client.createSender('t').sendMessages({ body: 1 });
  await expect(client.createReceiver('t', 's').receiveMessages(1)).rejects.toEqual(disabled);
  await broker.declare({ queues: [], topics: [{ name: 't', subscriptions: [{ name: 's' }] }] });
  expect(await client.createReceiver('t', 's').receiveMessages(1)).toMatchObject([{ body: 1 }]);
});

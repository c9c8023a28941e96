import { expect, test } from 'vitest';
import { queues, testBroker, testClient } from './kit.ts';

// Credit and drain: learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-protocol-guide ("Flow control"); how the
// client uses them: github.com/Azure/azure-sdk-for-js, sdk/servicebus/service-bus/src/core: batchingReceiver.ts,
// streamingReceiver.ts and receiverHelper.ts; no more than 2,048 unsettled: issue 15114 there

function arrival(count: number) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const bodies: unknown[] = [];
  return {
    bodies,
    done: promise,
    add: (body: unknown) => {
      if (bodies.push(body) === count) resolve();
    },
  };
}

test('subscribe with a window of 64 gets a backlog in order and settles it', async () => {
  const broker = await testBroker(queues({ name: 'q', requiresSession: true }));
  const client = testClient(broker);
  const expected = Array.from({ length: 1000 }, (_, n) => n);
  await client.createSender('q').sendMessages(expected.map((body) => ({ body, sessionId: 's' })));
  const session = await client.acceptNextSession('q');
  const got = arrival(1000);
  const order: unknown[] = [];
  session.subscribe(
    {
      processMessage: async (message) => {
        order.push(message.body);
        await session.completeMessage(message);
        got.add(message.body);
      },
      processError: async ({ error }) => got.add(error),
    },
    { maxConcurrentCalls: 64, autoCompleteMessages: false },
  );
  await got.done;
  expect(order).toEqual(expected);
  await session.close();
  expect(await broker.status()).toMatchObject([{ active: 0, locks: 0, sessions: 0 }]);
});

test('competing receivers share a queue; what one does not settle stays with it', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const client = testClient(broker);
  await client.createSender('q').sendMessages(Array.from({ length: 40 }, (_, body) => ({ body })));
  const receivers = Array.from({ length: 4 }, () => client.createReceiver('q'));
  const shares = await Promise.all(receivers.map((receiver) => receiver.receiveMessages(10)));
  expect(shares.map((share) => share.length)).toEqual([10, 10, 10, 10]);
  expect(new Set(shares.flat().map((message) => message.body)).size).toBe(40);
});

test('credit is never exceeded and drained credit is given back', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const client = testClient(broker);
  const receiver = client.createReceiver('q');
  expect(await receiver.receiveMessages(10, { maxWaitTimeInMs: 200 })).toEqual([]);
  await client.createSender('q').sendMessages(Array.from({ length: 5 }, (_, body) => ({ body })));
  expect(await broker.status()).toMatchObject([{ active: 5, locks: 0 }]);
  expect(await receiver.receiveMessages(3)).toHaveLength(3);
  expect(await broker.status()).toMatchObject([{ active: 5, locks: 3 }]);
});

test('more messages than the settlement window are received when the first ones are settled', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const client = testClient(broker);
  const sender = client.createSender('q');
  for (let round = 0; round < 5; round += 1) {
    await sender.sendMessages(Array.from({ length: 1000 }, (_, body) => ({ body: round * 1000 + body })));
  }
  const receiver = client.createReceiver('q');
  const got = arrival(5000);
  receiver.subscribe(
    {
      processMessage: async (message) => {
        await receiver.completeMessage(message);
        got.add(message.body);
      },
      processError: async ({ error }) => got.add(error),
    },
    { maxConcurrentCalls: 1500, autoCompleteMessages: false },
  );
  await got.done;
  expect(new Set(got.bodies).size).toBe(5000);
  expect(await broker.status()).toMatchObject([{ active: 0, locks: 0 }]);
});

test('the iterator and a receiver that waits get messages as they arrive', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const client = testClient(broker);
  const receiver = client.createReceiver('q');
  const bodies: unknown[] = [];
  const reading = (async () => {
    for await (const message of receiver.getMessageIterator()) {
      bodies.push(message.body);
      await receiver.completeMessage(message);
      if (bodies.length === 3) return;
    }
  })();
  const sender = client.createSender('q');
  for (const body of [1, 2, 3]) await sender.sendMessages({ body });
  await reading;
  expect(bodies).toEqual([1, 2, 3]);
});

import Long from 'long';
import rhea from 'rhea';
import { expect, test } from 'vitest';
import { queues, settled, testBroker, testClient, VirtualClock } from './kit.ts';
import { rawClient } from './raw-client.ts';

// learn.microsoft.com/azure/service-bus-messaging/message-browsing, .../service-bus-amqp-request-response#peek-message;
// omit-message-body: github.com/Azure/azure-sdk-for-js, sdk/servicebus/service-bus (7.10), src/core/managementClient.ts and
// test/public/serviceBusClient.spec.ts

test('every state is shown, with the number and time of each message, and nothing is locked or counted', async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({ ...queues({ name: 'q' }), clock });
  const client = testClient(broker);
  const sender = client.createSender('q');
  await sender.sendMessages([{ body: 'deferred' }, { body: 'locked' }, { body: 'active' }]);
  const due = new Date(clock.now() + 60_000);
  await sender.scheduleMessages({ body: 'scheduled' }, due);
  const receiver = client.createReceiver('q');
  const [first] = await receiver.receiveMessages(2);
  if (first) await receiver.deferMessage(first);
  for (let times = 0; times < 2; times += 1) {
    const peeked = await receiver.peekMessages(10, { fromSequenceNumber: Long.ONE });
    expect(
      peeked.map((message) => [
        message.body,
        message.state,
        message.deliveryCount,
        message.sequenceNumber?.toNumber(),
      ]),
    ).toEqual([
      ['deferred', 'deferred', 1, 1],
      ['locked', 'active', 0, 2],
      ['active', 'active', 0, 3],
      ['scheduled', 'scheduled', 0, 4],
    ]);
    expect(peeked.map(({ lockToken }) => lockToken)).toEqual([undefined, undefined, undefined, undefined]);
    expect(peeked[3]?.scheduledEnqueueTimeUtc).toEqual(due);
  }
  expect(await receiver.receiveMessages(2, { maxWaitTimeInMs: 300 })).toMatchObject([{ body: 'active' }]);
});

test('expired messages are not shown, those in the dead letter queue are', async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({
    ...queues({ name: 'q', deadLetteringOnMessageExpiration: true }),
    clock,
  });
  const client = testClient(broker);
  await client.createSender('q').sendMessages([{ body: 1, timeToLive: 1000 }, { body: 2 }]);
  clock.advance(1000);
  await settled();
  expect(await client.createReceiver('q').peekMessages(5)).toMatchObject([{ body: 2 }]);
  const dead = client.createReceiver('q', { subQueueType: 'deadLetter' });
  expect(await dead.peekMessages(5)).toMatchObject([{ body: 1, state: 'active', deadLetterSource: 'q' }]);
});

test('a body that is left out is replaced by its size', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const body = 'x'.repeat(5000);
  await testClient(broker)
    .createSender('q')
    .sendMessages({ body, applicationProperties: { a: 1 }, subject: 's' });
  const raw = await rawClient(broker);
  const peek = async (more: object) => {
    const request = { 'from-sequence-number': 0, 'message-count': 1, ...more };
    const reply = await raw.manage('q', { operation: 'com.microsoft:peek-message' }, request);
    const [only] = reply.body['messages'] as { message: Buffer }[];
    return rhea.message.decode(only?.message ?? Buffer.alloc(0)) as unknown as Record<string, unknown>;
  };
  const whole = await peek({ 'omit-message-body': false });
  expect(whole['delivery_annotations']).toBeUndefined();
  const bare = await peek({ 'omit-message-body': true });
  const { 'omitted-message-body-size': size } = bare['delivery_annotations'] as Record<string, number>;
  // The client sends JSON in a data section: quotes around the text, and the section's own eight bytes.
  expect(size).toBeGreaterThanOrEqual(body.length);
  expect(size).toBeLessThan(body.length + 20);
  expect(bare['body']).toBeUndefined();
  for (const name of ['message_id', 'subject', 'application_properties', 'message_annotations']) {
    expect(bare[name]).toEqual(whole[name]);
  }
});

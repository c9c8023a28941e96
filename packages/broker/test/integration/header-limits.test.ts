import { expect, test } from 'vitest';
import { queues, testBroker, testClient } from './kit.ts';
import { rawClient } from './raw-client.ts';

// learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas: a property has at most 32 KB, all properties of a
// message together 64 KB; what a client hears is in github.com/rebus-org/Rebus.AzureServiceBus/issues/35. HeaderSizeExceeded:
// learn.microsoft.com/azure/service-bus-messaging/service-bus-dead-letter-queues.

const KB = 1024;
const texts = (count: number, bytes: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, 'x'.repeat(bytes)]));

test.each([
  ['properties of 63 KB', texts(3, 21 * KB), undefined],
  ['properties of 65 KB', texts(5, 13 * KB), 'MessageSizeExceeded'],
  ['one of 31 KB', texts(1, 31 * KB), undefined],
  ['one of 33 KB', texts(1, 33 * KB), 'MessageSizeExceeded'],
])('a message with %s', async (_, applicationProperties, code) => {
  const client = testClient(await testBroker(queues({ name: 'q' })));
  const sent = client.createSender('q').sendMessages({ body: 1, applicationProperties });
  if (code === undefined) await sent;
  else await expect(sent).rejects.toMatchObject({ code });
  expect(await client.createReceiver('q').peekMessages(1)).toHaveLength(code === undefined ? 1 : 0);
});

test('annotations and the other properties count, the body does not', async () => {
  const client = testClient(await testBroker(queues({ name: 'q' })));
  const sender = client.createSender('q');
  await sender.sendMessages({ body: 'x'.repeat(100 * KB), applicationProperties: texts(2, 30 * KB) });
  const annotated = {
    body: 1,
    bodyType: 'value' as const,
    messageAnnotations: texts(2, 30 * KB),
    properties: { subject: 'x'.repeat(5 * KB) },
  };
  await expect(sender.sendMessages(annotated)).rejects.toMatchObject({ code: 'MessageSizeExceeded' });
});

test('a scheduled message is measured when it comes', async () => {
  const client = testClient(await testBroker(queues({ name: 'q' })));
  const scheduled = client
    .createSender('q')
    .scheduleMessages({ body: 1, applicationProperties: texts(3, 22 * KB) }, new Date(Date.now() + 60_000));
  await expect(scheduled).rejects.toMatchObject({ code: 'MessageSizeExceeded' });
});

test('a settlement that would make the properties too large is refused, and the message stays locked', async () => {
  const client = testClient(await testBroker(queues({ name: 'q' })));
  const sender = client.createSender('q');
  for (const body of [1, 2]) await sender.sendMessages({ body, applicationProperties: texts(2, 30 * KB) });
  const receiver = client.createReceiver('q');
  const [first, second] = await receiver.receiveMessages(2);
  if (!first || !second) throw new Error('too little was received');
  const tooLarge = { code: 'MessageSizeExceeded' };
  const more = 'x'.repeat(6 * KB);
  await expect(receiver.abandonMessage(first, { more })).rejects.toMatchObject(tooLarge);
  const dead = { deadLetterReason: 'why', deadLetterErrorDescription: more };
  await expect(receiver.deadLetterMessage(second, dead)).rejects.toMatchObject(tooLarge);
  expect(await receiver.receiveMessages(2, { maxWaitTimeInMs: 300 })).toEqual([]);
  expect(await client.createReceiver('q').peekMessages(2)).toMatchObject([
    { deliveryCount: 0 },
    { deliveryCount: 0 },
  ]);
});

test('a copy that an action makes too large is dead-lettered as it came', async () => {
  const expression = 'SET p2 = p0; SET p3 = p1';
  const broker = await testBroker({
    topology: {
      queues: [],
      topics: [
        {
          name: 't',
          subscriptions: [
            { name: 's', rules: [{ name: 'r', filter: { kind: 'true' }, action: { expression } }] },
            { name: 'plain' },
          ],
        },
      ],
    },
  });
  const client = testClient(broker);
  await client.createSender('t').sendMessages({ body: 1, applicationProperties: texts(2, 20 * KB) });
  const dead = client.createReceiver('t', 's', { subQueueType: 'deadLetter' });
  expect(await dead.peekMessages(1)).toMatchObject([
    {
      body: 1,
      deadLetterReason: 'HeaderSizeExceeded',
      deadLetterErrorDescription: 'The size quota for this stream has been exceeded.',
      deadLetterSource: 't/Subscriptions/s',
      applicationProperties: texts(2, 20 * KB),
    },
  ]);
  expect(await client.createReceiver('t', 'plain').peekMessages(1)).toHaveLength(1);
});

// What the system says of a dead letter comes on top.
test('a message at its limit can be dead-lettered by the system', async () => {
  const client = testClient(await testBroker(queues({ name: 'q', maxDeliveryCount: 1 })));
  await client
    .createSender('q')
    .sendMessages({ body: 1, applicationProperties: texts(3, Math.floor(21.2 * KB)) });
  const receiver = client.createReceiver('q');
  const [message] = await receiver.receiveMessages(1);
  if (message) await receiver.abandonMessage(message);
  const dead = client.createReceiver('q', { subQueueType: 'deadLetter' });
  expect(await dead.peekMessages(1)).toMatchObject([{ deadLetterReason: 'MaxDeliveryCountExceeded' }]);
});

// service-bus-quotas: message id, session id and partition key have 128 characters. The client checks the first two itself.
test.each([
  ['message id', { message_id: 'x'.repeat(129) }],
  ['session id', { message_id: 'm', group_id: 'x'.repeat(129) }],
  ['partition key', { message_id: 'm', message_annotations: { 'x-opt-partition-key': 'x'.repeat(129) } }],
])('a %s has 128 characters at most', async (_, fields) => {
  const raw = await rawClient(await testBroker(queues({ name: 'q' })));
  const sender = raw.connection.open_sender('q');
  await new Promise((resolve) => sender.once('sendable', resolve));
  const told = new Promise((resolve) => {
    for (const event of ['accepted', 'rejected']) {
      sender.once(event, ({ delivery }) => resolve(delivery?.remote_state?.error?.condition ?? event));
    }
  });
  sender.send({ body: 1, ...fields });
  expect(await told).toBe('com.microsoft:argument-error');
  const shorter = JSON.parse(JSON.stringify(fields).replaceAll('x'.repeat(129), 'x'.repeat(128)));
  const accepted = new Promise((resolve) => sender.once('accepted', resolve));
  sender.send({ body: 1, ...shorter });
  await accepted;
});

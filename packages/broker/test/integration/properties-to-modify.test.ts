import rhea, { type Delivery, type EventContext } from 'rhea';
import { expect, test } from 'vitest';
import { AMQP_VALUES, everyAmqpValue, pairBytes } from './amqp-values.ts';
import { queues, testBroker } from './kit.ts';
import { type RawClient, rawClient } from './raw-client.ts';

// github.com/Azure/azure-sdk-for-js, sdk/servicebus/service-bus: test/public/propsToModify.spec.ts (which properties
// end where), src/core/managementClient.ts and src/core/shared.ts (what goes over the wire);
// learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-request-response#update-disposition-status

const { types } = rhea;

async function peeked(raw: RawClient, entity: string): Promise<Buffer> {
  const { body } = await raw.manage(
    entity,
    { operation: 'com.microsoft:peek-message' },
    { 'from-sequence-number': 0, 'message-count': 10 },
  );
  const [first] = (body as { messages?: { message: Buffer }[] }).messages ?? [];
  if (!first) throw new Error(`there is nothing in ${entity}`);
  return first.message;
}

/** One message, sent and received under a lock. */
async function received(raw: RawClient): Promise<Delivery> {
  const sender = raw.connection.open_sender('q');
  await new Promise((resolve) => sender.once('sendable', resolve));
  sender.send({
    message_id: 'm',
    body: 'body',
    application_properties: { kept: 'as it was', int: 'changes' },
  });
  const receiver = raw.connection.open_receiver({
    source: 'q',
    autoaccept: false,
    autosettle: false,
    credit_window: 0,
  });
  receiver.add_credit(1);
  const { delivery } = await new Promise<EventContext>((resolve) => receiver.once('message', resolve));
  if (!delivery) throw new Error('nothing was received');
  return delivery;
}

/** The name and the very bytes of every value are there, what was there before too, and what changed once only. */
function expectEveryPair(message: Buffer): void {
  const missing = Object.entries(AMQP_VALUES).filter(
    ([name, hex]) => !message.includes(pairBytes(name, hex)),
  );
  expect(missing.map(([name]) => name)).toEqual([]);
  expect(message.includes(pairBytes('kept', 'a109617320697420776173'))).toBe(true);
  expect(message.includes('changes')).toBe(false);
}

const modified = (fields: object) =>
  (rhea.message as unknown as { modified(fields: object): { described(): object } })
    .modified(fields)
    .described();

test.each([
  ['abandoned', false],
  ['deferred', true],
])('properties of every type survive when a message is %s on its link', async (_, undeliverable_here) => {
  const raw = await rawClient(await testBroker(queues({ name: 'q' })));
  const delivery = await received(raw);
  const message_annotations = everyAmqpValue();
  delivery.update(true, modified({ undeliverable_here, message_annotations }));
  expectEveryPair(await peeked(raw, 'q'));
});

test('properties of every type survive when a message is dead-lettered on its link', async () => {
  const raw = await rawClient(await testBroker(queues({ name: 'q' })));
  const delivery = await received(raw);
  const info = { ...everyAmqpValue(), DeadLetterReason: 'why', DeadLetterErrorDescription: null };
  delivery.reject({ condition: 'com.microsoft:dead-letter', info });
  const message = await peeked(raw, 'q/$DeadLetterQueue');
  expectEveryPair(message);
  expect(rhea.message.decode(message).application_properties).toMatchObject({ DeadLetterReason: 'why' });
  expect(message.includes('DeadLetterErrorDescription')).toBe(false);
});

test.each([
  ['abandoned', 'q'],
  ['defered', 'q'],
  ['suspended', 'q/$DeadLetterQueue'],
])(
  'properties of every type survive when a message is %s over its management link',
  async (status, where) => {
    const raw = await rawClient(await testBroker(queues({ name: 'q' })));
    const { tag } = await received(raw);
    const reply = await raw.manage(
      'q',
      { operation: 'com.microsoft:update-disposition' },
      {
        'lock-tokens': types.wrap_array([lockToken(tag as unknown as Buffer)], 0x98, undefined),
        'disposition-status': status,
        'properties-to-modify': types.wrap_map(everyAmqpValue()),
      },
    );
    expect(reply.properties).toMatchObject({ statusCode: 200 });
    expectEveryPair(await peeked(raw, where));
  },
);

// The same list in .NET: a property can be set to null, which is not to remove it.
test('a property that is set to null is null', async () => {
  const raw = await rawClient(await testBroker(queues({ name: 'q' })));
  const delivery = await received(raw);
  const message_annotations = { kept: null };
  delivery.update(true, modified({ undeliverable_here: false, message_annotations }));
  expect((await peeked(raw, 'q')).includes(pairBytes('kept', '40'))).toBe(true);
});

/** A delivery tag is a .NET GUID, whose first three fields are little-endian. */
function lockToken(tag: Buffer): Buffer {
  const swapped = Buffer.from(tag);
  swapped.subarray(0, 4).reverse();
  swapped.subarray(4, 6).reverse();
  swapped.subarray(6, 8).reverse();
  return swapped;
}

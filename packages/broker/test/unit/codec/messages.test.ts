import * as fc from 'fast-check';
import rhea from 'rhea';
import { expect, test } from 'vitest';
import { messagesOfBatch } from '../../../src/codec/body.ts';
import { Envelope } from '../../../src/codec/envelope.ts';
import { encodedString, toStored, withApplicationProperties } from '../../../src/codec/rewrite.ts';
import { type Stamp, stamped } from '../../../src/codec/stamp.ts';
import { readScalar } from '../../../src/codec/values.ts';

// learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-protocol-guide ("Messages"): an intermediary may change the
// header and annotations, and leaves what the sender says as it is. Batches: github.com/Azure/azure-sdk-for-js,
// sdk/servicebus/service-bus/src/serviceBusMessageBatch.ts

const scalar = fc.oneof(
  fc.string(),
  fc.boolean(),
  fc.integer(),
  fc.double({ noNaN: true, min: -1e15, max: 1e15 }),
);
const message = fc.record(
  {
    durable: fc.boolean(),
    ttl: fc.integer({ min: 1, max: 2 ** 31 }),
    message_annotations: fc.dictionary(fc.string({ minLength: 1, maxLength: 300 }), scalar, { maxKeys: 5 }),
    message_id: fc.string({ minLength: 1, maxLength: 300 }),
    subject: fc.string(),
    group_id: fc.string({ minLength: 1 }),
    correlation_id: fc.string(),
    content_type: fc.constantFrom('application/json', 'text/plain'),
    application_properties: fc.dictionary(fc.string({ minLength: 1 }), scalar, { maxKeys: 5 }),
    body: fc.oneof(fc.string(), fc.array(fc.integer())),
  },
  { requiredKeys: ['body'] },
);

const stamp: Stamp = {
  seq: 7,
  enqueuedAt: 1_700_000_000_000,
  expiresAt: 0,
  deliveryCount: 3,
  state: 0,
  lock: { until: 1_700_000_060_000, token: Buffer.alloc(16, 7) },
  origin: 5,
  source: undefined,
};

function encode(of: object): Buffer {
  return Buffer.from(rhea.message.encode(of));
}

test('a stamped message says what the broker knows and is otherwise what was sent', () => {
  fc.assert(
    fc.property(message, (sent) => {
      const bytes = encode(sent);
      // What rhea makes of the bytes that were sent is the measure.
      const { message_annotations: annotations, message_id: id, ...others } = rhea.message.decode(bytes);
      const got = rhea.message.decode(stamped(toStored(bytes).bytes, stamp));
      expect(got).toMatchObject({ ...others, delivery_count: 3 });
      expect(got.message_id).toEqual(id ?? expect.stringMatching(/^[0-9a-f]{32}$/));
      expect(got.message_annotations).toMatchObject({
        ...annotations,
        'x-opt-sequence-number': 7,
        'x-opt-enqueue-sequence-number': 5,
        'x-opt-enqueued-time': new Date(stamp.enqueuedAt),
        'x-opt-locked-until': new Date(1_700_000_060_000),
      });
    }),
  );
});

test('a lock token travels beside the delivery annotations of the sender, whose own claim to one is left out', () => {
  const bytes = encode({
    delivery_annotations: { mine: 'x', 'x-opt-lock-token': 'claimed' },
    message_annotations: { 'x-opt-sequence-number': 1 },
    body: 'b',
  });
  const stored = toStored(bytes).bytes;
  expect(rhea.message.decode(stamped(stored, stamp)).delivery_annotations).toEqual({
    mine: 'x',
    'x-opt-lock-token': Buffer.alloc(16, 7),
  });
  const unlocked = stamped(stored, { ...stamp, lock: undefined });
  expect(rhea.message.decode(unlocked).delivery_annotations).toEqual({ mine: 'x' });
});

test('types survive that a decode and encode would change', () => {
  const { types } = rhea;
  const typed = {
    long: types.wrap_long(5),
    int: types.wrap_int(5),
    double: types.wrap_double(5),
    symbol: types.wrap_symbol('s'),
    time: types.wrap_timestamp(5),
  };
  const bytes = encode({ message_id: 'x', application_properties: typed, body: 'b' });
  const out = stamped(toStored(bytes).bytes, stamp);
  const section = (of: Buffer) => of.subarray(of.indexOf(Buffer.from([0, 0x53, 0x74])));
  expect(section(out).equals(section(bytes))).toBe(true);
});

test('what a sender claims to be the broker’s is left out, its own annotations stay', () => {
  const bytes = encode({
    message_id: 'x',
    message_annotations: { 'x-opt-sequence-number': 99, 'x-opt-locked-until': 1, 'x-opt-partition-key': 'p' },
    body: 'b',
  });
  const got = rhea.message.decode(stamped(toStored(bytes).bytes, { ...stamp, lock: undefined }));
  expect(got.message_annotations).toEqual({
    'x-opt-partition-key': 'p',
    'x-opt-sequence-number': 7,
    'x-opt-enqueued-time': new Date(stamp.enqueuedAt),
    'x-opt-enqueue-sequence-number': 5,
  });
});

test('application properties are changed one by one, or added where there were none', () => {
  const changes = new Map([
    ['b', encodedString('new')],
    ['c', encodedString('x'.repeat(300))],
  ]);
  const some = withApplicationProperties(
    encode({ application_properties: { a: 1, b: 2 }, body: 'z' }),
    changes,
  );
  expect(rhea.message.decode(some)).toMatchObject({
    application_properties: { a: 1, b: 'new', c: 'x'.repeat(300) },
    body: 'z',
  });
  const none = withApplicationProperties(encode({ message_id: 'm', body: 'z' }), changes);
  expect(rhea.message.decode(none)).toMatchObject({
    message_id: 'm',
    application_properties: { b: 'new' },
    body: 'z',
  });
});

test('an envelope gives what routing needs', () => {
  const envelope = new Envelope(
    encode({
      ttl: 500,
      message_id: 12,
      to: 't',
      reply_to: 'r',
      group_id: 's',
      reply_to_group_id: 'rs',
      message_annotations: { 'x-opt-scheduled-enqueue-time': new Date(1000) },
      application_properties: { big: 2 ** 40, yes: true },
      body: 1,
    }),
  );
  expect(envelope).toMatchObject({ ttlMs: 500, scheduledAt: 1000, messageId: '12', sessionId: 's' });
  expect([envelope.text('to'), envelope.text('replyTo'), envelope.text('replyToSessionId')]).toEqual([
    't',
    'r',
    'rs',
  ]);
  expect([...envelope.applicationProperties(readScalar)]).toEqual([
    ['big', 2 ** 40],
    ['yes', true],
  ]);
});

test('a batch is its messages, in order, and nothing else', () => {
  const inner = [encode({ message_id: 'a', body: 1 }), encode({ message_id: 'b', body: 2 })];
  const batch = encode({ message_id: 'a', body: rhea.message.data_sections(inner) });
  expect(messagesOfBatch(batch).map((each) => each.equals(inner.shift() ?? Buffer.alloc(0)))).toEqual([
    true,
    true,
  ]);
  expect(() => messagesOfBatch(encode({ body: 'no data section' }))).toThrow(RangeError);
});

test('bytes that are no message are refused, whatever they are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
      try {
        rhea.message.decode(stamped(toStored(Buffer.from(bytes)).bytes, stamp));
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }),
    { numRuns: 2000 },
  );
  const whole = encode({ message_id: 'a', application_properties: { a: 1 }, body: 'text' });
  for (let length = 1; length < whole.length; length += 1) {
    const cut = whole.subarray(0, length);
    try {
      toStored(cut);
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError);
    }
  }
});

import rhea from 'rhea';
import { expect, test } from 'vitest';
import { verifiedMessage } from '../../../src/codec/verify-message.ts';
import {
  binary,
  compound,
  described,
  double,
  list,
  map,
  NULL,
  string,
  symbol,
  TRUE,
  timestamp,
  ubyte,
  uint,
} from '../../kit/amqp/encode.ts';

// docs.oasis-open.org/amqp/core/v1.0, part 3: the sections of a message and the types of their fields.

const header = (...fields: Buffer[]) => described(0x70, list(...fields));
const annotations = described(0x72, map(symbol('x'), uint(1)));
const properties = (...fields: Buffer[]) => described(0x73, list(...fields));
const application = described(0x74, map(string('x'), uint(1)));
const body = described(0x75, binary(Buffer.from('x')));

test('what rhea writes passes as it is', () => {
  const bytes = Buffer.from(
    rhea.message.encode({
      durable: true,
      ttl: 1000,
      message_id: 'id',
      correlation_id: 7,
      content_type: 'text/plain',
      absolute_expiry_time: new Date(),
      group_sequence: 1,
      message_annotations: { 'x-opt-partition-key': 'p' },
      application_properties: { x: 1 },
      body: { a: [1, 'b', null] },
    }),
  );
  expect(verifiedMessage(bytes)).toBe(bytes);
});

test('several data sections make one body', () => {
  const bytes = Buffer.concat([header(TRUE), annotations, properties(string('id')), application, body, body]);
  expect(verifiedMessage(bytes)).toBe(bytes);
});

test.each<[string, Buffer]>([
  ['a time to live that is no number', header(TRUE, ubyte(4), double(Number.NaN))],
  ['a time to live that is text', header(TRUE, ubyte(4), string('long'))],
  ['a header that is a map', described(0x70, map())],
  ['properties that are text', described(0x73, string('x'))],
  ['an id that is a list', properties(list())],
  ['an id that is a number of the wrong kind', properties(double(1))],
  ['a session that is a number', properties(...Array.from({ length: 10 }, () => NULL), uint(1))],
  ['an expiry that is a number', properties(...Array.from({ length: 8 }, () => NULL), uint(1))],
  ['annotations that are a list', described(0x72, list(symbol('x'), uint(1)))],
  ['a map with half a pair', described(0x74, compound(0xd1, 1, [string('x')]))],
  ['a map that ends too late', described(0x74, compound(0xd1, 2, [string('x'), uint(1)], 40))],
  ['two headers', Buffer.concat([header(TRUE), header(TRUE), body])],
  ['two sections of properties', Buffer.concat([properties(string('a')), properties(string('b')), body])],
  ['an unknown section', described(0x7f, NULL)],
  ['bytes that are no section', Buffer.from('text')],
  ['a body that ends too early', body.subarray(0, body.length - 1)],
  ['a body of nothing but lists', described(0x77, deep(5000))],
  ['an array of four billion nulls that is too short', described(0x77, compound(0xf0, 0xffff_ffff, []))],
])('%s is refused', (_, bytes) => {
  expect(() => verifiedMessage(bytes)).toThrow();
});

function deep(levels: number): Buffer {
  let value: Buffer = NULL;
  for (let level = 0; level < levels; level += 1) value = list(value);
  return value;
}

test('fields that are null or left out are fine', () => {
  const bytes = Buffer.concat([header(NULL, NULL), properties(NULL, NULL, NULL), body]);
  expect(verifiedMessage(bytes)).toBe(bytes);
  const other = Buffer.concat([described(0x70, Buffer.from([0x45])), properties(), body]);
  expect(verifiedMessage(other)).toBe(other);
  const dated = Buffer.concat([properties(...Array.from({ length: 8 }, () => NULL), timestamp(-1n)), body]);
  expect(verifiedMessage(dated)).toBe(dated);
});

import * as fc from 'fast-check';
import rhea from 'rhea';
import { expect, test } from 'vitest';
import { MalformedError, type ValueLimits, verifyValue } from '../../../src/codec/verify.ts';
import { array, compound, described, list, map, NULL, string, uint } from '../../kit/amqp/encode.ts';

const LIMITS: ValueLimits = { depth: 20, values: 1000 };

/** What rhea writes is right by definition. */
const encoded = fc
  .letrec((again) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constant(null),
      fc.boolean(),
      fc.string(),
      fc.integer(),
      fc.double().map((value) => rhea.types.wrap_double(value) as unknown),
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      fc.array(again('value'), { maxLength: 5 }),
      fc.dictionary(fc.string(), again('value'), { maxKeys: 5 }),
      fc
        .array(fc.nat(), { maxLength: 5 })
        .map((items) => rhea.types.wrap_array(items, 0x70, undefined) as unknown),
      again('value').map((value) => rhea.types.wrap_described(value, 0x1234) as unknown),
    ),
  }))
  .value.map((value) => {
    const writer = new (rhea.types as unknown as { Writer: new () => Writer }).Writer();
    writer.write(rhea.types.wrap(value));
    return Buffer.from(writer.toBuffer());
  });

interface Writer {
  write(value: unknown): void;
  toBuffer(): Buffer;
}

test('what rhea writes is whole, wherever it stands', () => {
  fc.assert(
    fc.property(encoded, fc.nat(10), (bytes, before) => {
      const around = Buffer.concat([Buffer.alloc(before), bytes, Buffer.alloc(3)]);
      expect(verifyValue(around, before, LIMITS)).toBe(before + bytes.length);
    }),
  );
});

test('and no beginning of it is', () => {
  fc.assert(
    fc.property(encoded, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (bytes, share) => {
      const part = bytes.subarray(0, Math.floor(bytes.length * share));
      expect(() => verifyValue(part, 0, LIMITS)).toThrow(MalformedError);
    }),
  );
});

/**
 * Without items an array may lack the type of them: Python's client writes it so (_pyamqp/_encode.py). In messages, which are kept as they come,
 * that is taken; rhea reads the type all the same, from what follows.
 */
const hasUntypedArray = (bytes: Buffer) =>
  bytes.includes(Buffer.from([0xe0, 1, 0])) || bytes.includes(Buffer.from([0xf0, 0, 0, 0, 4, 0, 0, 0, 0]));

test('an array without items and their type is whole', () => {
  expect(verifyValue(Buffer.from([0xe0, 1, 0, 0x40]), 0, LIMITS)).toBe(3);
});

test('any bytes are refused or can be read by rhea', () => {
  const Reader = (
    rhea.types as unknown as { Reader: new (bytes: Buffer) => { read(): unknown; position: number } }
  ).Reader;
  fc.assert(
    fc.property(encoded, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), (bytes, changes) => {
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      let end: number;
      try {
        end = verifyValue(bytes, 0, LIMITS);
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedError);
        return;
      }
      if (hasUntypedArray(bytes)) return;
      const reader = new Reader(bytes);
      reader.read();
      expect(reader.position).toBe(end);
    }),
    { numRuns: 2000, examples: [[Buffer.from([0xf0, 0, 0, 0, 4, 0, 0, 0, 0, 0x70]), []]] },
  );
});

const nested = (depth: number, wrap: (value: Buffer) => Buffer) => {
  let value: Buffer = NULL;
  for (let level = 0; level < depth; level += 1) value = wrap(value);
  return value;
};

test.each<[string, Buffer]>([
  ['four billion nulls in nine bytes', array(0xffff_ffff, 0x40)],
  ['four billion empty lists', array(0xffff_ffff, 0x45)],
  ['a list of millions that are not there', compound(0xd0, 30_000_000, [NULL])],
  ['a list shorter than its items', compound(0xd0, 1, [uint(1)], 6)],
  ['a list longer than its items', compound(0xd0, 1, [uint(1)], 20)],
  ['a map with half a pair', compound(0xd1, 1, [NULL])],
  ['a list without room for its count', Buffer.from([0xc0, 0])],
  ['a string beyond the end', Buffer.from([0xa1, 5, 1, 1])],
  ['a type that is none', Buffer.from([0x3f])],
  ['an array of a type that is none', array(1, 0x3f)],
  ['an array with too few bytes', array(3, 0x70, [Buffer.alloc(8)])],
  ['100 levels of lists', nested(100, (value) => list(value))],
  ['100 levels of maps', nested(100, (value) => map(string('k'), value))],
  ['100 levels of descriptions', nested(100, (value) => described(1, value))],
  ['a million descriptors of descriptors', Buffer.alloc(1_000_000)],
  ['lists in an array, deeply', nested(100, (value) => array(1, 0xd0, [list(value).subarray(1)]))],
  ['2,000 values', list(...Array.from({ length: 2000 }, () => NULL))],
])('%s are refused', (_, bytes) => {
  expect(() => verifyValue(bytes, 0, LIMITS)).toThrow(MalformedError);
});

test('an array of lists is looked into', () => {
  const good = array(2, 0xd0, [list(uint(1)).subarray(1), list(string('x'), NULL).subarray(1)]);
  expect(verifyValue(good, 0, LIMITS)).toBe(good.length);
  const bad = array(2, 0xd0, [list(uint(1)).subarray(1), list(string('x'), NULL).subarray(2)]);
  expect(() => verifyValue(bad, 0, LIMITS)).toThrow(MalformedError);
});

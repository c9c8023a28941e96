/**
 * Looks encoded AMQP values over before anything is made of them: sizes and counts must agree, and neither nesting nor
 * numbers may run away. Without recursion, so that no nesting can exhaust the stack.
 */
import { DESCRIBED } from './values.ts';

/** Bytes that are no AMQP, or more of it than the broker takes at once. */
export class MalformedError extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'MalformedError';
  }
}

export interface ValueLimits {
  readonly depth: number;
  /** Every value counts, those inside of others too. */
  readonly values: number;
}

/** By type code: bytes of the value; a marker for those that say their own size; 0 for an unknown code. */
const FIXED = 0x10;
const SIZED_1 = 0x80;
const SIZED_4 = 0x81;
const COMPOUND_1 = 0x82;
const COMPOUND_4 = 0x83;
const ARRAY_1 = 0x84;
const ARRAY_4 = 0x85;
const SHAPE = new Uint8Array(256);
const fixed: [width: number, codes: number[]][] = [
  [0, [0x40, 0x41, 0x42, 0x43, 0x44, 0x45]],
  [1, [0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56]],
  [2, [0x60, 0x61]],
  [4, [0x70, 0x71, 0x72, 0x73, 0x74]],
  [8, [0x80, 0x81, 0x82, 0x83, 0x84]],
  [16, [0x94, 0x98]],
];
for (const [width, codes] of fixed) for (const code of codes) SHAPE[code] = FIXED + width;
for (const code of [0xa0, 0xa1, 0xa3]) SHAPE[code] = SIZED_1;
for (const code of [0xb0, 0xb1, 0xb3]) SHAPE[code] = SIZED_4;
for (const code of [0xc0, 0xc1]) SHAPE[code] = COMPOUND_1;
for (const code of [0xd0, 0xd1]) SHAPE[code] = COMPOUND_4;
SHAPE[0xe0] = ARRAY_1;
SHAPE[0xf0] = ARRAY_4;
const MAX_FIXED = FIXED + 16;
const MAPS = new Set([0xc1, 0xd1]);
/** A value with its type code in front, where an array's items have none. */
const WITH_CODE = -1;
/** A described value is two values that say no size. */
const NO_END = -1;

/** Checks the value at `at` and returns where it ends; throws a MalformedError. */
export function verifyValue(bytes: Buffer, at: number, limits: ValueLimits, end = bytes.length): number {
  return new Verifier(bytes, limits, end).value(at);
}

class Verifier {
  readonly #bytes: Buffer;
  readonly #limits: ValueLimits;
  #values = 0;
  /** What is open: how many items are left, where it must end, the code of its items. */
  readonly #left: number[] = [];
  readonly #ends: number[] = [];
  readonly #codes: number[] = [];
  readonly #outerEnd: number;
  #end: number;

  constructor(bytes: Buffer, limits: ValueLimits, end: number) {
    this.#bytes = bytes;
    this.#limits = limits;
    this.#outerEnd = Math.min(end, bytes.length);
    this.#end = this.#outerEnd;
  }

  value(start: number): number {
    let at = this.#one(start, WITH_CODE);
    while (this.#left.length > 0) {
      const top = this.#left.length - 1;
      const left = this.#left[top] ?? 0;
      if (left === 0) {
        this.#close(at);
        continue;
      }
      this.#left[top] = left - 1;
      at = this.#one(at, this.#codes[top] ?? WITH_CODE);
    }
    return at;
  }

  #one(start: number, itemCode: number): number {
    this.#count(1);
    const code = itemCode === WITH_CODE ? this.#byte(start) : itemCode;
    const at = itemCode === WITH_CODE ? start + 1 : start;
    if (code === DESCRIBED) {
      this.#open(2, NO_END, WITH_CODE);
      return at;
    }
    const shape = SHAPE[code] ?? 0;
    if (shape === 0) throw new MalformedError(`there is no AMQP type 0x${code.toString(16)}`);
    if (shape <= MAX_FIXED) return this.#within(at + shape - FIXED);
    const width = shape & 1 ? 4 : 1;
    const size = this.#number(at, width);
    const from = at + width;
    const to = this.#within(from + size);
    if (shape < COMPOUND_1) return to;
    if (size < width) throw new MalformedError('a list, map or array is smaller than its count');
    const items = this.#number(from, width);
    if (MAPS.has(code) && items % 2 !== 0) throw new MalformedError('a map has a key without a value');
    if (shape < ARRAY_1) return this.#openSized(items, to, WITH_CODE, from + width);
    return this.#array(items, from + width, to);
  }

  #array(items: number, constructorAt: number, to: number): number {
    if (items === 0 && constructorAt === to) return to;
    let at = constructorAt;
    for (let depth = 0; this.#byte(at) === DESCRIBED; depth += 1) {
      if (depth >= this.#limits.depth) throw new MalformedError('a descriptor is nested too deeply');
      at = verifyValue(this.#bytes, at + 1, { depth: 1, values: 2 }, to);
    }
    const code = this.#byte(at);
    const shape = SHAPE[code] ?? 0;
    at += 1;
    if (shape === 0) throw new MalformedError(`there is no AMQP type 0x${code.toString(16)}`);
    if (shape > MAX_FIXED) return this.#openSized(items, to, code, at);
    this.#count(items);
    if (at + items * (shape - FIXED) !== to) throw new MalformedError('an array is not as long as its items');
    return to;
  }

  #openSized(items: number, end: number, itemCode: number, at: number): number {
    // Every item has a byte at least, so that a count alone is no work.
    if (items > end - at) throw new MalformedError('more items are announced than there are bytes');
    this.#open(items, end, itemCode);
    this.#end = end;
    return at;
  }

  #open(items: number, end: number, itemCode: number): void {
    if (this.#left.length >= this.#limits.depth) throw new MalformedError('values are nested too deeply');
    this.#left.push(items);
    this.#ends.push(end);
    this.#codes.push(itemCode);
  }

  #close(at: number): void {
    this.#left.pop();
    this.#codes.pop();
    const end = this.#ends.pop() ?? NO_END;
    if (end === NO_END) return;
    if (at !== end) throw new MalformedError('a list, map or array is not as long as it says');
    this.#end = this.#ends.findLast((outer) => outer !== NO_END) ?? this.#outerEnd;
  }

  #count(values: number): void {
    this.#values += values;
    if (this.#values > this.#limits.values) throw new MalformedError('there are too many values');
  }

  #number(at: number, width: number): number {
    this.#within(at + width);
    return width === 1 ? this.#byte(at) : this.#bytes.readUInt32BE(at);
  }

  #byte(at: number): number {
    this.#within(at + 1);
    return this.#bytes[at] ?? 0;
  }

  #within(end: number): number {
    if (end > this.#end) throw new MalformedError('a value ends too early');
    return end;
  }
}

/**
 * Reading AMQP 1.0 values straight from bytes. rhea's reader builds an object a value; a broker that passes
 * messages through only has to step over most of them.
 */

// Type codes that several files write or look for.
export const DESCRIBED = 0x00;
export const NULL = 0x40;
export const TIMESTAMP = 0x83;
export const UUID = 0x98;
export const MAP = 0xd1;
/** From the first instant of .NET's dates to that of Unix. */
export const DOTNET_EPOCH_MS = 62_135_596_800_000n;
export const TICKS_PER_MS = 10_000n;
/** The largest unsigned number of 32 bits. */
export const MAX_UINT = 0xffff_ffff;

/** Where the value that starts at `at` ends. */
export function skipValue(bytes: Buffer, at: number): number {
  const code = byteAt(bytes, at);
  if (code === DESCRIBED) return skipValue(bytes, skipValue(bytes, at + 1));
  const end = at + 1 + sizeAfterCode(bytes, at + 1, code);
  if (end > bytes.length) throw new RangeError('truncated AMQP value');
  return end;
}

function sizeAfterCode(bytes: Buffer, at: number, code: number): number {
  switch (code >>> 4) {
    case 0x4:
      return 0;
    case 0x5:
      return 1;
    case 0x6:
      return 2;
    case 0x7:
      return 4;
    case 0x8:
      return 8;
    case 0x9:
      return 16;
    case 0xa:
    case 0xc:
    case 0xe:
      return 1 + byteAt(bytes, at);
    case 0xb:
    case 0xd:
    case 0xf:
      return 4 + bytes.readUInt32BE(at);
    default:
      throw new RangeError(`unknown AMQP type code 0x${code.toString(16)}`);
  }
}

export type Scalar = null | boolean | number | bigint | string | Buffer;

/** A scalar; undefined for lists, maps, arrays, described values and decimals. */
export function readScalar(bytes: Buffer, at: number): Scalar | undefined {
  switch (byteAt(bytes, at)) {
    case 0x40:
      return null;
    case 0x41:
      return true;
    case 0x42:
      return false;
    case 0x56:
      return byteAt(bytes, at + 1) === 1;
    case 0x43:
    case 0x44:
      return 0;
    case 0x50:
    case 0x52:
    case 0x53:
      return byteAt(bytes, at + 1);
    case 0x51:
    case 0x54:
    case 0x55:
      return bytes.readInt8(at + 1);
    case 0x60:
      return bytes.readUInt16BE(at + 1);
    case 0x61:
      return bytes.readInt16BE(at + 1);
    case 0x70:
    case 0x73:
      return bytes.readUInt32BE(at + 1);
    case 0x71:
      return bytes.readInt32BE(at + 1);
    case 0x72:
      return bytes.readFloatBE(at + 1);
    case 0x82:
      return bytes.readDoubleBE(at + 1);
    case 0x80:
      return narrow(bytes.readBigUInt64BE(at + 1));
    case 0x81:
    case 0x83:
      return narrow(bytes.readBigInt64BE(at + 1));
    case 0x98:
      return bytes.subarray(at + 1, at + 17);
    case 0xa0:
      return bytes.subarray(at + 2, at + 2 + byteAt(bytes, at + 1));
    case 0xb0:
      return bytes.subarray(at + 5, at + 5 + bytes.readUInt32BE(at + 1));
    case 0xa1:
    case 0xa3:
      return bytes.toString('utf8', at + 2, at + 2 + byteAt(bytes, at + 1));
    case 0xb1:
    case 0xb3:
      return bytes.toString('utf8', at + 5, at + 5 + bytes.readUInt32BE(at + 1));
    default:
      return undefined;
  }
}

function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

export interface Compound {
  count: number;
  /** First item. */
  start: number;
  end: number;
}

/** The items of a list or map, which are `count` values from `start`. */
export function readCompound(bytes: Buffer, at: number): Compound {
  const code = byteAt(bytes, at);
  if (code === 0x45) return { count: 0, start: at + 1, end: at + 1 };
  if (code === 0xc0 || code === 0xc1) {
    return { count: byteAt(bytes, at + 2), start: at + 3, end: at + 2 + byteAt(bytes, at + 1) };
  }
  if (code === 0xd0 || code === 0xd1) {
    return { count: bytes.readUInt32BE(at + 5), start: at + 9, end: at + 5 + bytes.readUInt32BE(at + 1) };
  }
  throw new RangeError(`not an AMQP list or map: 0x${code.toString(16)}`);
}

export function isMap(bytes: Buffer, at: number): boolean {
  return bytes[at] === 0xc1 || bytes[at] === 0xd1;
}

/** Calls back with the key and the value's place, pair by pair; annotations may have numbers for keys. */
export function eachPair(
  bytes: Buffer,
  map: Compound,
  visit: (key: string, valueAt: number, pairStart: number, pairEnd: number) => void,
  unnamed: (pairStart: number, pairEnd: number) => void = () => {},
): void {
  let at = map.start;
  for (let index = 0; index + 1 < map.count; index += 2) {
    const valueAt = skipValue(bytes, at);
    const end = skipValue(bytes, valueAt);
    const key = readScalar(bytes, at);
    if (typeof key === 'string') visit(key, valueAt, at, end);
    else unnamed(at, end);
    at = end;
  }
}

function byteAt(bytes: Buffer, at: number): number {
  const value = bytes[at];
  if (value === undefined) throw new RangeError('truncated AMQP value');
  return value;
}

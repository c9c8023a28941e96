/** The values of a filter: JavaScript's own types stand for .NET's, `undefined` is SQL's unknown. */
import { readScalar, skipValue } from '../codec/values.ts';
import { AmqpWriter } from '../codec/writer.ts';

export class Guid {
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  static parse(text: string): Guid {
    return new Guid(Buffer.from(text.replaceAll('-', ''), 'hex'));
  }

  toString(): string {
    return this.bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  }
}

/** Something a filter can copy and test for existence, but not compare: binary, a list, a decimal. */
export class Opaque {
  readonly encoded: Buffer;

  constructor(encoded: Buffer) {
    this.encoded = encoded;
  }
}

/** long, double, bool, string, DateTime, Guid, anything else; or unknown. */
export type SqlValue = bigint | number | boolean | string | Date | Guid | Opaque | undefined;

const UUID = 0x98;
const TIMESTAMP = 0x83;
const FLOAT = 0x72;
const DOUBLE = 0x82;

export function readValue(bytes: Buffer, at: number): SqlValue {
  const code = bytes[at];
  const value = readScalar(bytes, at);
  if (value === null) return undefined;
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (code === TIMESTAMP) return new Date(Number(value));
  if (typeof value === 'number') return code === FLOAT || code === DOUBLE ? value : BigInt(value);
  if (typeof value === 'bigint') return BigInt.asIntN(64, value);
  if (Buffer.isBuffer(value) && code === UUID) return new Guid(value);
  return new Opaque(bytes.subarray(at, skipValue(bytes, at)));
}

export function encodeSqlValue(value: SqlValue): Buffer {
  if (value instanceof Opaque) return value.encoded;
  const writer = new AmqpWriter(16);
  if (value === undefined) writer.byte(0x40);
  else if (typeof value === 'bigint') writer.longLong(value);
  else if (typeof value === 'number') writer.double(value);
  else if (typeof value === 'boolean') writer.byte(value ? 0x41 : 0x42);
  else if (typeof value === 'string') writer.string(value);
  else if (value instanceof Date) writer.timestamp(value.getTime());
  else writer.byte(UUID).raw(value.bytes);
  return writer.take();
}

/** The .NET name of a value's type, for error texts. */
export function typeName(value: SqlValue): string {
  if (typeof value === 'bigint') return 'Int64';
  if (typeof value === 'number') return 'Double';
  if (typeof value === 'boolean') return 'Boolean';
  if (typeof value === 'string') return 'String';
  if (value instanceof Date) return 'DateTime';
  if (value instanceof Guid) return 'Guid';
  return value === undefined ? 'unknown' : 'Object';
}

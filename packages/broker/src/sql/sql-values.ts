/** The values of a filter: JavaScript's own types stand for .NET's, `undefined` is SQL's unknown. */
import { uuidText } from '../codec/envelope.ts';
import {
  DESCRIBED,
  DOTNET_EPOCH_MS,
  readScalar,
  skipValue,
  TICKS_PER_MS,
  TIMESTAMP,
  UUID,
} from '../codec/values.ts';
import { AmqpWriter } from '../codec/writer.ts';
import { Duration } from './times.ts';

export class Guid {
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  static parse(text: string): Guid {
    return new Guid(Buffer.from(text.replaceAll('-', ''), 'hex'));
  }

  toString(): string {
    return uuidText(this.bytes);
  }
}

/** Something a filter can copy and test for existence, but not compare: binary, a list, a decimal. */
export class Opaque {
  readonly encoded: Buffer;

  constructor(encoded: Buffer) {
    this.encoded = encoded;
  }
}

/** long, double, bool, string, DateTime, TimeSpan, Guid, anything else; or unknown. */
export type SqlValue = bigint | number | boolean | string | Date | Duration | Guid | Opaque | undefined;

const FLOAT = 0x72;
const DOUBLE = 0x82;
/** How .NET's AMQP library writes what AMQP has no type for: longs of ticks. */
const TIME_SPAN = 'com.microsoft:timespan';
const DATE_TIME_OFFSET = 'com.microsoft:datetime-offset';

export function readValue(bytes: Buffer, at: number): SqlValue {
  const code = bytes[at];
  if (code === DESCRIBED) return readDescribed(bytes, at);
  const value = readScalar(bytes, at);
  if (value === null) return undefined;
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (code === TIMESTAMP) return new Date(Number(value));
  if (typeof value === 'number') return code === FLOAT || code === DOUBLE ? value : BigInt(value);
  if (typeof value === 'bigint') return BigInt.asIntN(64, value);
  if (Buffer.isBuffer(value) && code === UUID) return new Guid(value);
  return new Opaque(bytes.subarray(at, skipValue(bytes, at)));
}

function readDescribed(bytes: Buffer, at: number): SqlValue {
  const descriptor = readScalar(bytes, at + 1);
  const value = readScalar(bytes, skipValue(bytes, at + 1));
  if (typeof value === 'number' || typeof value === 'bigint') {
    if (descriptor === TIME_SPAN) return new Duration(BigInt(value));
    if (descriptor === DATE_TIME_OFFSET)
      return new Date(Number(BigInt(value) / TICKS_PER_MS - DOTNET_EPOCH_MS));
  }
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
  else if (value instanceof Duration) writer.byte(DESCRIBED).symbol(TIME_SPAN).longLong(value.ticks);
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
  if (value instanceof Duration) return 'TimeSpan';
  if (value instanceof Guid) return 'Guid';
  return value === undefined ? 'unknown' : 'Object';
}

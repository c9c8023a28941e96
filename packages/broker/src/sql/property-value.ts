/** Values of correlation filters and parameters: as a topology writes them, as AMQP does, and as filters compare them. */
import { readScalar } from '../codec/values.ts';
import { AmqpWriter } from '../codec/writer.ts';
import type { PropertyValue, TypedValue } from '../topology.ts';
import { SqlError } from './ast.ts';
import { encodeSqlValue, Guid, readValue, type SqlValue } from './sql-values.ts';
import { Duration, dateOf } from './times.ts';

const INT_LIMIT = 2 ** 31;
const INTS = new Set([0x54, 0x71]);
const LONGS = new Set([0x55, 0x81]);
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const WHOLE = /^\s*[+-]?\d+\s*$/;

export function isInt(value: number): boolean {
  return Number.isInteger(value) && value >= -INT_LIMIT && value < INT_LIMIT;
}

/** Throws a SqlError for a text that is not of its type. */
export function toSqlValue(given: PropertyValue): SqlValue {
  if (typeof given === 'number') return Number.isSafeInteger(given) ? BigInt(given) : given;
  if (typeof given !== 'object') return given;
  const value = parsed(given);
  if (value === undefined) throw new SqlError(`'${given.value}' is no ${given.type}.`);
  return value;
}

/** Undefined for a text that is not of its type. */
export function parsed({ type, value }: TypedValue): SqlValue {
  switch (type) {
    case 'long':
      return WHOLE.test(value) ? BigInt.asIntN(64, BigInt(value)) : undefined;
    case 'double':
      return value.trim() === '' || Number.isNaN(Number(value)) ? undefined : Number(value);
    case 'dateTime':
      return dateOf(value);
    case 'duration':
      return Duration.fromXml(value);
    case 'guid':
      return GUID.test(value) ? Guid.parse(value) : undefined;
    default:
      return readValue(Buffer.from(value, 'hex'), 0);
  }
}

/** One encoded AMQP value of the very type that it was given in. */
export function encodedValue(given: PropertyValue): Buffer {
  if (typeof given === 'number') {
    const writer = new AmqpWriter(9);
    return (isInt(given) ? writer.int(given) : writer.double(given)).take();
  }
  if (typeof given === 'object' && given.type === 'amqp') return Buffer.from(given.value, 'hex');
  return encodeSqlValue(toSqlValue(given));
}

/** What a client sent, so that it can be written down and found again as it was. Undefined for null. */
export function propertyValueOf(encoded: Buffer): PropertyValue | undefined {
  const code = encoded[0] ?? 0;
  const value = readValue(encoded, 0);
  if (typeof value === 'string' || typeof value === 'boolean' || value === undefined) return value;
  if (typeof value === 'bigint') {
    if (INTS.has(code)) return Number(value);
    if (LONGS.has(code)) return { type: 'long', value: String(value) };
  }
  const isDouble = typeof value === 'number' && readScalar(encoded, 0) === value && encoded.length === 9;
  if (isDouble) return isInt(value) ? { type: 'double', value: String(value) } : value;
  if (value instanceof Date && encoded.length === 9) return { type: 'dateTime', value: value.toISOString() };
  if (value instanceof Duration) return { type: 'duration', value: value.toXml() };
  if (value instanceof Guid) return { type: 'guid', value: String(value) };
  return { type: 'amqp', value: encoded.toString('hex') };
}

/** Operators on known values, by the binding rules of C#: longs widen to doubles, other types do not mix. */
import { type ArithmeticOperator, type ComparisonOperator, SqlError } from './ast.ts';
import { Guid, Opaque, type SqlValue, typeName } from './sql-values.ts';
import { Duration } from './times.ts';

export type Known = Exclude<SqlValue, undefined>;

/** .NET's DateTime.MinValue and MaxValue. */
const FIRST_INSTANT = -62_135_596_800_000;
export const LAST_INSTANT = 253_402_300_799_999;

export function compare(operator: ComparisonOperator, left: Known, right: Known): boolean {
  if (operator === '=') return equal(left, right);
  if (operator === '<>') return !equal(left, right);
  const [a, b] = ordered(operator, left, right);
  switch (operator) {
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    default:
      return a >= b;
  }
}

export function equal(left: Known, right: Known): boolean {
  if (isNumber(left) && isNumber(right)) {
    // A long and a double are equal by value, which only the loose operator compares.
    // oxlint-disable-next-line eslint/eqeqeq
    return left == right;
  }
  if (typeof left === 'string' && typeof right === 'string') return left === right;
  if (typeof left === 'boolean' && typeof right === 'boolean') return left === right;
  if (left instanceof Date && right instanceof Date) return left.getTime() === right.getTime();
  if (left instanceof Duration && right instanceof Duration) return left.ticks === right.ticks;
  if (left instanceof Guid && right instanceof Guid) return left.bytes.equals(right.bytes);
  throw mismatch('=', left, right);
}

type Ordered = [number | bigint, number | bigint] | [string, string];

function ordered(operator: string, left: Known, right: Known): Ordered {
  if (isNumber(left) && isNumber(right)) return [left, right];
  if (typeof left === 'string' && typeof right === 'string') return [left, right];
  if (left instanceof Date && right instanceof Date) return [left.getTime(), right.getTime()];
  if (left instanceof Duration && right instanceof Duration) return [left.ticks, right.ticks];
  throw mismatch(operator, left, right);
}

export function calculate(operator: ArithmeticOperator, left: Known, right: Known): Known {
  if (operator === '+' && (typeof left === 'string' || typeof right === 'string')) {
    return toText(left) + toText(right);
  }
  if (!isNumber(left) || !isNumber(right)) {
    const result = operator === '+' || operator === '-' ? onTimes(operator, left, right) : undefined;
    if (result === undefined) throw mismatch(operator, left, right);
    return result;
  }
  if (typeof left === 'bigint' && typeof right === 'bigint') return onLongs(operator, left, right);
  return onDoubles(operator, Number(left), Number(right));
}

/** DateTime ± TimeSpan, DateTime - DateTime, TimeSpan ± TimeSpan; undefined for all else. */
function onTimes(operator: '+' | '-', left: Known, right: Known): Known | undefined {
  const sign = operator === '+' ? 1n : -1n;
  if (left instanceof Duration && right instanceof Duration) {
    return new Duration(BigInt.asIntN(64, left.ticks + sign * right.ticks));
  }
  if (left instanceof Date && right instanceof Duration) return moved(left, sign * right.ticks);
  if (left instanceof Date && right instanceof Date && operator === '-') {
    return Duration.ofMs(left.getTime() - right.getTime());
  }
  return undefined;
}

function moved(date: Date, ticks: bigint): Date {
  const ms = date.getTime() + Number(ticks / 10_000n);
  if (ms < FIRST_INSTANT || ms > LAST_INSTANT) throw new SqlError('A DateTime is out of its range.');
  return new Date(ms);
}

export function negate(value: Known): Known {
  if (typeof value === 'bigint') return BigInt.asIntN(64, -value);
  if (typeof value === 'number') return -value;
  if (value instanceof Duration) return new Duration(BigInt.asIntN(64, -value.ticks));
  throw new SqlError(`The operator '-' cannot be applied to an operand of type ${typeName(value)}.`);
}

function onLongs(operator: ArithmeticOperator, left: bigint, right: bigint): bigint {
  if (right === 0n && (operator === '/' || operator === '%'))
    throw new SqlError('Attempted to divide by zero.');
  switch (operator) {
    case '+':
      return BigInt.asIntN(64, left + right);
    case '-':
      return BigInt.asIntN(64, left - right);
    case '*':
      return BigInt.asIntN(64, left * right);
    case '/':
      return BigInt.asIntN(64, left / right);
    case '%':
      return left % right;
  }
}

function onDoubles(operator: ArithmeticOperator, left: number, right: number): number {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    case '%':
      return left % right;
  }
}

/** As .NET writes a value into a string. */
export function toText(value: Known): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Opaque) throw new SqlError('A value of type Object is no text.');
  return String(value);
}

function isNumber(value: Known): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

function mismatch(operator: string, left: Known, right: Known): SqlError {
  return new SqlError(
    `The operator '${operator}' cannot be applied to operands of type ${typeName(left)} and ${typeName(right)}.`,
  );
}

import { describe, expect, it } from 'vitest';
import { parseFault } from '../../../src/control/fault.ts';
import { BrokerError } from '../../../src/errors.ts';

function refusal(value: unknown): string {
  try {
    parseFault(value);
  } catch (error) {
    if (error instanceof BrokerError && error.code === 'BROKER_FAULT_INVALID') return error.message;
    throw error;
  }
  return 'none';
}

describe('a fault', () => {
  it.each([
    { kind: 'reject', on: { operation: 'send', times: 2 }, condition: 'com.microsoft:server-busy' },
    { kind: 'reject', on: {}, at: 'committed', condition: 'amqp:internal-error', description: 'no' },
    { kind: 'delay', on: { session: '', entity: 'q' }, ms: 0 },
    { kind: 'drop-connection', of: {} },
    { kind: 'drop-connection', on: { operation: 'settle' }, at: 'acknowledged' },
    { kind: 'lose-lock', of: { entity: 'q', sequenceNumber: 3 } },
    { kind: 'duplicate' },
    { kind: 'duplicate', on: { times: 'always', skip: 1 }, after: 'settlement' },
    { kind: 'stop', on: { operation: 'admin' }, at: 'acknowledged', process: true },
  ])('is taken as it is: %o', (fault) => {
    expect(parseFault(fault)).toBe(fault);
  });

  it.each<[unknown, RegExp]>([
    [null, /has to be an object/],
    [['stop'], /has to be an object/],
    [{}, /kind has to be one of reject, delay, drop-connection, lose-lock, duplicate, stop/],
    [{ kind: 'toString' }, /kind has to be one of/],
    [{ kind: 'reject', on: {} }, /reject: 'condition' is missing/],
    [{ kind: 'reject', condition: 'c' }, /reject: 'on' is missing/],
    [
      { kind: 'reject', on: {}, at: 'acknowledged', condition: 'c' },
      /'at' has to be one of arrived, committed/,
    ],
    [{ kind: 'stop', on: { operation: 'sing' } }, /stop: on: 'operation' has to be one of send, /],
    [{ kind: 'stop', on: { entitty: 'q' } }, /stop: on: 'entitty' is not one of entity, /],
    [{ kind: 'stop', on: 'send' }, /stop: 'on' has to be an object/],
    [{ kind: 'stop', on: { times: 0 } }, /on: 'times' has to be a whole number from 1, or 'always'/],
    [{ kind: 'stop', on: { skip: 1.5 } }, /on: 'skip' has to be a whole number from 0/],
    [{ kind: 'stop', on: {}, process: 1 }, /'process' has to be true or false/],
    [{ kind: 'delay', on: {}, ms: -1 }, /'ms' has to be a whole number from 0/],
    [{ kind: 'lose-lock' }, /it needs 'on' .* or 'of'/],
    [{ kind: 'lose-lock', of: {} }, /of: 'entity' is missing/],
    [
      { kind: 'drop-connection', of: {}, at: 'committed' },
      /'at' is a point of an operation, so it needs 'on'/,
    ],
    [{ kind: 'duplicate', on: { operation: 'settle' } }, /'operation' is not one of entity, /],
  ])('that is not one is refused by the field that is wrong: %o', (value, why) => {
    expect(refusal(value)).toMatch(why);
  });
});

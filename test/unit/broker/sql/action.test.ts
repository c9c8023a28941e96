import rhea from 'rhea';
import { describe, expect, test } from 'vitest';
import { compileAction } from '../../../../src/broker/sql/action.ts';
import { decoded, view } from './messages.ts';

// learn.microsoft.com/azure/service-bus-messaging/service-bus-messaging-sql-rule-action

const properties = { color: 'red', Quantity: 10, price: 2.5 };

function act(expression: string, system: Record<string, unknown> = {}) {
  return decoded(compileAction(expression)(view(properties, system)));
}

test.each<[string, Record<string, unknown>]>([
  ["SET color = 'blue'", { color: 'blue', Quantity: 10, price: 2.5 }],
  ['SET quantity = quantity / 4;', { color: 'red', Quantity: 2, price: 2.5 }],
  ['set a = 1; set b = a + 1', { ...properties, a: 1, b: 2 }],
  ['SET a = 1 SET b = 2 REMOVE color', { Quantity: 10, price: 2.5, a: 1, b: 2 }],
  ['SET a = 1, REMOVE quantity;', { color: 'red', price: 2.5, a: 1 }],
  ['REMOVE COLOR; REMOVE missing', { Quantity: 10, price: 2.5 }],
  ['REMOVE color; SET color = color', { Quantity: 10, price: 2.5, color: null }],
  ['SET price = 3', { color: 'red', Quantity: 10, price: 3 }],
  ["SET [my name] = 'x' + quantity", { ...properties, 'my name': 'x10' }],
  ['SET flag = TRUE', { ...properties, flag: true }],
  ['SET set = 1 SET remove = 2', { ...properties, set: 1, remove: 2 }],
  ["SET x = p('color')", { ...properties, x: 'red' }],
  ['SET x = sys.Label', { ...properties, x: 'subject' }],
  ['SET x = missing', { ...properties, x: null }],
])('%s', (expression, expected) => {
  expect(act(expression, { subject: 'subject' }).application_properties).toEqual(expected);
});

test('system properties that are text can be changed, everything else stays byte for byte', () => {
  const changed = act("SET sys.Label = 'new'; SET sys.ReplyTo = 'r' + 1; REMOVE sys.CorrelationId", {
    subject: 'old',
    correlation_id: 'c',
    message_annotations: { 'x-opt-partition-key': 'k' },
  });
  expect(changed).toMatchObject({ subject: 'new', reply_to: 'r1', message_id: 'm1', body: 'body' });
  expect(changed.correlation_id).toBeUndefined();
  expect(changed.message_annotations).toEqual({ 'x-opt-partition-key': 'k' });
});

test('a value that is copied keeps its type', () => {
  const id = rhea.types.wrap_uuid(Buffer.alloc(16, 7));
  const copied = decoded(
    compileAction('SET b = id SET c = bytes SET d = at')(
      view({ id, bytes: Buffer.from('raw'), at: new Date(5) }),
    ),
  );
  expect(copied.application_properties).toMatchObject({
    b: Buffer.alloc(16, 7),
    c: Buffer.from('raw'),
    d: new Date(5),
  });
});

describe('a text that is no action is refused', () => {
  test.each([
    '',
    'color = 1',
    'SET color',
    'SET color <> 1',
    "SET color = 'a' = 'b'",
    'SET color = (1 = 1)',
    'SET 1 = 1',
    'REMOVE',
    'SET sys.Nope = 1',
    'SET sys.SequenceNumber = 1',
    'REMOVE sys.EnqueuedTimeUtc',
    Array.from({ length: 33 }, () => 'SET a=1').join(';'),
    `SET a = '${'x'.repeat(1024)}'`,
  ])('%s', (expression) => {
    expect(() => compileAction(expression)).toThrow(expect.objectContaining({ name: 'SqlError' }));
  });

  test('one that fails on a message is an error', () => {
    expect(() => act('SET x = color * 2')).toThrow(/String and Int64/);
    expect(() => act('SET x = 1 / 0')).toThrow(/divide by zero/);
  });
});

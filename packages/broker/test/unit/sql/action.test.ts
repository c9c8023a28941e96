import rhea from 'rhea';
import { describe, expect, test } from 'vitest';
import { compileAction } from '../../../src/sql/action.ts';
import { decoded, NOW, timeSpan, view } from './messages.ts';

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
  // "SET performs implicit conversion if possible when the expression type and the existing property type are different."
  ["SET quantity = '11'", { ...properties, Quantity: 11 }],
  ["SET quantity = 'many'", { ...properties, Quantity: 'many' }],
  ["SET price = '1.5'", { ...properties, price: 1.5 }],
  ['SET quantity = 1.5', { ...properties, Quantity: 1.5 }],
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

// github.com/Azure/azure-service-bus/issues/180: whatever can be set on a message can be set by an action, and a string
// becomes what the property is; issue 373 has the two examples.
describe('system properties that are no text', () => {
  test.each<[string, number | undefined]>([
    ["SET sys.TimeToLive = '00:10:00'", 600_000],
    ["SET sys.TimeToLive = '1.02:03:04.5'", 93_784_500],
    ['SET sys.TimeToLive = span', 90_000],
    ['SET sys.TimeToLive = sys.ExpiresAtUtc - sys.EnqueuedTimeUtc', 5000],
    ['REMOVE sys.TimeToLive', undefined],
  ])('%s', (expression, ttl) => {
    const sent = view({ span: timeSpan(90_000) }, { ttl: 5000, durable: true, priority: 7 });
    const changed = decoded(compileAction(expression)(sent));
    expect(changed.ttl).toBe(ttl);
    expect(changed).toMatchObject({ durable: true, priority: 7, message_id: 'm1', body: 'body' });
  });

  test.each<[string, Record<string, unknown>]>([
    ["SET sys.PartitionKey = 'k2'", { 'x-opt-partition-key': 'k2', other: 1 }],
    [
      "SET sys.ViaPartitionKey = 'v'",
      { 'x-opt-partition-key': 'k1', 'x-opt-via-partition-key': 'v', other: 1 },
    ],
    ['REMOVE sys.PartitionKey', { other: 1 }],
    [
      "SET sys.ScheduledEnqueueTimeUtc = '2026-05-04T03:02:01Z'",
      {
        'x-opt-partition-key': 'k1',
        'x-opt-scheduled-enqueue-time': new Date(Date.UTC(2026, 4, 4, 3, 2, 1)),
        other: 1,
      },
    ],
    [
      'SET sys.ScheduledEnqueueTimeUtc = sys.ExpiresAtUtc',
      { 'x-opt-partition-key': 'k1', 'x-opt-scheduled-enqueue-time': new Date(NOW + 5000), other: 1 },
    ],
  ])('%s', (expression, annotations) => {
    const sent = view({}, { ttl: 5000, message_annotations: { 'x-opt-partition-key': 'k1', other: 1 } });
    expect(decoded(compileAction(expression)(sent)).message_annotations).toEqual(annotations);
  });

  test('a message without annotations and header gets them', () => {
    const changed = decoded(
      compileAction(
        "SET sys.PartitionKey = 'k'; SET sys.TimeToLive = '00:00:01'; SET sys.ForcePersistence = TRUE",
      )(view()),
    );
    expect(changed).toMatchObject({
      ttl: 1000,
      durable: true,
      message_annotations: { 'x-opt-partition-key': 'k' },
    });
  });

  test('later statements see them', () => {
    const changed = decoded(
      compileAction(
        "SET sys.TimeToLive = '00:00:02'; SET x = sys.ExpiresAtUtc; SET sys.PartitionKey = 'k' SET y = sys.PartitionKey",
      )(view({}, { ttl: 9000 })),
    );
    expect(changed.application_properties).toEqual({ x: new Date(NOW + 2000), y: 'k' });
  });

  test.each([
    ["SET sys.TimeToLive = 'soon'", /TimeToLive/],
    ['SET sys.TimeToLive = 5', /TimeToLive/],
    ["SET sys.TimeToLive = '-00:00:01'", /TimeToLive/],
    ["SET sys.ScheduledEnqueueTimeUtc = 'tomorrow'", /ScheduledEnqueueTimeUtc/],
    ["SET sys.ForcePersistence = 'x'", /ForcePersistence/],
  ])('%s fails', (expression, error) => {
    expect(() => act(expression)).toThrow(error);
  });
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

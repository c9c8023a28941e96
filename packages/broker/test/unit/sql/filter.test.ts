import rhea from 'rhea';
import { describe, expect, test } from 'vitest';
import { compileFilter } from '../../../src/sql/filter.ts';
import { dateTimeOffset, NOW, timeSpan, view } from './messages.ts';

// learn.microsoft.com/azure/service-bus-messaging/service-bus-messaging-sql-filter

const message = view(
  {
    color: 'blue',
    Quantity: 10,
    price: 2.5,
    urgent: true,
    nothing: null,
    '50%': 'x',
    'HR-EmployeeID': 7,
    'Contoso & Northwind': 'both',
    'a]b"c': 1,
    größe: 3,
    at: new Date(Date.UTC(2025, 5, 1)),
    big: rhea.types.wrap_long(Buffer.from('7fffffffffffffff', 'hex')),
    id: rhea.types.wrap_uuid(Buffer.alloc(16, 1)),
    binary: Buffer.from('bytes'),
  },
  {
    subject: 'a bus',
    to: 'Store5',
    correlation_id: 'c-1',
    group_id: 's1',
    reply_to: 'back',
    reply_to_group_id: 's2',
    content_type: 'text/plain',
  },
);

const matches = (expression: string) => compileFilter(expression)(message);

describe('a filter matches', () => {
  test.each([
    // comparison
    "color = 'blue'",
    "color <> 'red'",
    "color != 'red'",
    'Quantity >= 10 AND quantity <= 10',
    'QUANTITY > 9 AND quantity < 11',
    'urgent = TRUE',
    'urgent <> false',
    'price = 2.5',
    'price < 101.5E5',
    'price > 0.5E-2',
    'quantity = 10.0',
    'big = 9223372036854775807',
    'big > 9223372036854775806',
    'at = at AND at <= at',
    'id = id',
    "color > 'a'",
    // operators bind as they do in C#
    '1 + 2 * 3 = 7',
    '(1 + 2) * 3 = 9',
    '10 - 4 - 3 = 3',
    '7 / 2 = 3',
    '7 / 2.0 = 3.5',
    '-7 % 4 = -3',
    '- -quantity = +10',
    'quantity / 4 = 2',
    "color + '-' + quantity = 'blue-10'",
    'big + 1 < 0',
    '-9223372036854775808 < big',
    // logic
    "NOT color = 'red'",
    "NOT NOT color = 'blue'",
    "color = 'red' OR quantity = 10 AND urgent = TRUE",
    "(color = 'red' OR quantity = 10) AND urgent = TRUE",
    'not (1 = 2) and 1 = 1 or 1 = 3',
    // scopes and names
    "user.color = 'blue'",
    "sys.Label LIKE '%bus%' AND SYS.label = 'a bus' AND sys.Subject = 'a bus'",
    "sys.To IN ('Store5', 'Store6', 'Store7') OR StoreId = 'Store8'",
    "sys.MessageId = 'm1' AND sys.CorrelationId = 'c-1' AND sys.SessionId = 's1'",
    "sys.ReplyTo = 'back' AND sys.ReplyToSessionId = 's2' AND sys.ContentType = 'text/plain'",
    'sys.EnqueuedTimeUtc > at AND sys.Size > 10',
    '[HR-EmployeeID] = 7',
    '"Contoso & Northwind" = \'both\'',
    '[a]]b"c] = 1',
    '"a]b""c" = 1',
    "[50%] = 'x'",
    "[sys].[Label] = 'a bus'",
    'Größe = 3',
    "property('color') = 'blue'",
    "p('col' + 'or') = 'blue'",
    // tests
    'EXISTS(color)',
    'EXISTS (nothing)',
    'NOT EXISTS(missing)',
    'EXISTS(sys.Label) AND NOT EXISTS(sys.PartitionKey)',
    'nothing IS NULL',
    'missing IS NULL',
    'color IS NOT NULL',
    'binary IS NOT NULL AND EXISTS(binary)',
    "color IN ('red', 'blue')",
    "color NOT IN ('red', 'green')",
    'quantity IN (1, 5 + 5)',
    // LIKE
    "color LIKE 'bl%'",
    "color LIKE '%'",
    "color LIKE '____'",
    "color LIKE 'b_u%e'",
    "color NOT LIKE 'BLUE'",
    "'50%' LIKE '50\\%' ESCAPE '\\'",
    "'ABC%' LIKE 'ABC\\%' ESCAPE '\\'",
    "'a_b' LIKE 'a!_b' ESCAPE '!'",
    "'it''s' LIKE 'it''_'",
    'newid() <> newid()',
  ])('%s', (expression) => {
    expect(matches(expression)).toBe(true);
  });
});

describe('a filter that is false or unknown does not match', () => {
  test.each([
    "color = 'Blue'",
    "color LIKE 'BL%'",
    "'ABCD' LIKE 'ABC\\%' ESCAPE '\\'",
    "color NOT IN ('red', 'blue')",
    // unknown, from either side and through NOT
    'missing = 1',
    'NOT missing = 1',
    'missing <> 1',
    '1 < missing',
    'missing + 1 = 1',
    '-missing = 1',
    "missing LIKE '%'",
    "missing NOT LIKE '%'",
    'color LIKE missing',
    "color LIKE 'b' ESCAPE missing",
    'missing IN (1)',
    'missing NOT IN (1)',
    'color NOT IN (missing)',
    'nothing = NULL',
    'NOT (nothing = NULL)',
    "p(missing) = 'x'",
    // the tables of AND and OR
    '1 = 1 AND missing = 1',
    'NOT (1 = 1 AND missing = 1)',
    '1 = 2 OR missing = 1',
    'NOT (1 = 2 OR missing = 1)',
    'missing = 1 AND missing = 2',
    '1 = 2 AND missing = 1',
    'nothing IS NOT NULL',
  ])('%s', (expression) => {
    expect(matches(expression)).toBe(false);
  });

  test.each(['missing = 1 OR 1 = 1', '1 = 1 OR missing = 1', 'NOT (missing = 1 AND 1 = 2)'])(
    'but %s is known',
    (expression) => {
      expect(matches(expression)).toBe(true);
    },
  );
});

describe('a message that a filter cannot be evaluated on is an error', () => {
  test.each([
    ['sys.Nope = 1', /system property 'Nope' does not exist/],
    ['EXISTS(sys.Nope)', /does not exist/],
    ["quantity = '10'", /Int64 and String/],
    ["quantity > 'a'", /Int64 and String/],
    ['urgent > FALSE', /Boolean and Boolean/],
    ['binary = binary', /Object and Object/],
    ['color * 2 = 4', /String and Int64/],
    ['-color = 1', /String/],
    ['quantity / 0 = 1', /divide by zero/],
    ["quantity LIKE '1%'", /LIKE compares strings/],
    ['color LIKE quantity', /pattern of LIKE/],
    ["color LIKE 'x' ESCAPE color", /length 1/],
    ['p(1) = 1', /takes a string/],
  ])('%s', (expression, error) => {
    expect(() => matches(expression)).toThrow(error);
  });

  test('unless it is not reached', () => {
    expect(matches("color = 'blue' OR sys.Nope = 1")).toBe(true);
    expect(matches("color = 'red' AND sys.Nope = 1")).toBe(false);
  });
});

describe('a text that is no filter is refused', () => {
  test.each([
    '',
    'color',
    'color =',
    '= 1',
    'color = 1 = 2',
    '(color = 1',
    'color = 1)',
    'color == 1',
    "color = 'open",
    '[open = 1',
    '[] = 1',
    '_x = 1',
    'color = 1 AND',
    'AND = 1',
    'color IN ()',
    'color IN (1,)',
    "color LIKE 'a' ESCAPE 'ab'",
    'color LIKE 1',
    'color IS 1',
    '1 IS NULL',
    'EXISTS(1)',
    'EXISTS color',
    '(color = 1) + 1 = 2',
    'NOT color',
    'other.color = 1',
    'sys.user.color = 1',
    'now() = 1',
    'newid(1) = 1',
    'p() = 1',
    'color = @missing',
    'color = 9223372036854775808',
    'color = 1; color = 2',
    'SET color = 1',
    '# = 1',
    `${'('.repeat(200)}1 = 1${')'.repeat(200)}`,
    `color = '${'x'.repeat(1024)}'`,
  ])('%s', (expression) => {
    expect(() => compileFilter(expression)).toThrow(expect.objectContaining({ name: 'SqlError' }));
  });
});

// github.com/Azure/azure-sdk-for-net/issues/6629: operands of DateTime and TimeSpan; how .NET writes the two is in
// sdk/servicebus/Azure.Messaging.ServiceBus/src/Amqp/AmqpMessageConverter.cs.
describe('dates and durations', () => {
  const at = Date.UTC(2025, 5, 1);
  const timed = view(
    { at: new Date(at), later: new Date(at + 36e5), span: timeSpan(36e5), offset: dateTimeOffset(at) },
    { ttl: 5000, message_annotations: { 'x-opt-scheduled-enqueue-time': new Date(NOW + 1000) } },
  );

  test.each([
    'later - at = span',
    'at + span = later',
    'later - span = at',
    'span + span > span AND span - span < span',
    '-span < span AND span >= span',
    'offset = at',
    'at NOT IN (later) AND span IN (later - at)',
    '(sys.ExpiresAtUtc - sys.EnqueuedTimeUtc) = sys.TimeToLive',
    'sys.TimeToLive < span',
    'sys.ScheduledEnqueueTimeUtc > sys.EnqueuedTimeUtc',
  ])('%s', (expression) => {
    expect(compileFilter(expression)(timed)).toBe(true);
  });

  test.each([
    ['at + at = at', /DateTime and DateTime/],
    ['span + at = later', /TimeSpan and DateTime/],
    ['span - at = at', /TimeSpan and DateTime/],
    ['span * 2 = span', /TimeSpan and Int64/],
    ['at = span', /DateTime and TimeSpan/],
    ["span = '01:00:00'", /TimeSpan and String/],
  ])('%s cannot be', (expression, error) => {
    expect(() => compileFilter(expression)(timed)).toThrow(error);
  });

  test('a message without a time to live has the longest', () => {
    expect(compileFilter('sys.TimeToLive > @days', { '@days': span('P10675198D') })(message)).toBe(true);
    expect(compileFilter('sys.ExpiresAtUtc > @at', { '@at': date('9999-12-31T00:00:00Z') })(message)).toBe(
      true,
    );
  });
});

// What a message of a topic has before its copies enter the subscriptions.
test('the number of a message is known to filters, its lock is not', () => {
  expect(matches('sys.SequenceNumber = 7 AND sys.EnqueuedSequenceNumber = 7')).toBe(true);
  expect(matches('sys.LockToken IS NULL AND sys.LockedUntilUtc IS NULL AND sys.DeliveryCount = 0')).toBe(
    true,
  );
});

const span = (value: string) => ({ type: 'duration' as const, value });
const date = (value: string) => ({ type: 'dateTime' as const, value });

test('parameters have types', () => {
  const at = { '@at': date('2025-06-01T00:00:00.000Z'), '@day': span('P1D') };
  expect(compileFilter('at = @at AND at + @day > at', at)(message)).toBe(true);
  const numbers = {
    '@long': { type: 'long' as const, value: '9223372036854775807' },
    '@double': { type: 'double' as const, value: '10' },
    '@id': { type: 'guid' as const, value: '01010101-0101-0101-0101-010101010101' },
  };
  expect(compileFilter('big = @long AND quantity = @double AND id = @id', numbers)(message)).toBe(true);
});

test('parameters stand for values', () => {
  const filter = compileFilter('color = @Color AND quantity > @least', { '@color': 'blue', '@least': 9 });
  expect(filter(message)).toBe(true);
});

test('a long chain of operators is no nesting', () => {
  const sum = Array.from({ length: 250 }, () => '1').join('+');
  expect(matches(`${sum} = 250`)).toBe(true);
  expect(matches(Array.from({ length: 100 }, () => '1=1').join(' AND '))).toBe(true);
  expect(matches(`${'NOT '.repeat(200)}1=1`)).toBe(true);
  expect(matches(`${'-'.repeat(800)}1=1`)).toBe(true);
});

test('a pattern of many wildcards takes no longer than its text', () => {
  const text = 'a'.repeat(900);
  const long = view({ text: 'a'.repeat(50_000) });
  expect(compileFilter(`text LIKE '${'%a'.repeat(400)}%b'`)(long)).toBe(false);
  expect(compileFilter(`text LIKE '%${text}'`)(long)).toBe(true);
});

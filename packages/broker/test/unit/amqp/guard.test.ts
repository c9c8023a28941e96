import { expect, test } from 'vitest';
import { Endpoints } from '../../../src/amqp/client-limits.ts';
import { Guard, MAX_CHANNEL, MAX_HANDLE } from '../../../src/amqp/guard.ts';
import { binary, described, frame, list, map, NULL, string, uint } from '../../kit/amqp/encode.ts';
import * as amqp from '../../kit/amqp/performatives.ts';

// docs.oasis-open.org/amqp/core/v1.0: part 2, transport. Each line of it that is held here names the condition it asks for.

function opened(): Guard {
  const guard = new Guard(new Endpoints());
  guard.admit(amqp.AMQP_HEADER);
  guard.admit(frame(0, amqp.open()));
  return guard;
}

function begun(): Guard {
  const guard = opened();
  guard.admit(frame(1, amqp.begin()));
  return guard;
}

const attached = (handle: number, name = `${handle}`) =>
  frame(1, amqp.attach({ address: 'q', role: amqp.SENDER, handle, name }));

test('a session in its proper order passes', () => {
  const guard = begun();
  const said = [
    attached(0),
    frame(1, amqp.flow(0, 10)),
    frame(1, amqp.transfer({ id: 0, more: true }), amqp.dataMessage(10)),
    frame(1, amqp.transfer({ id: 0 }), amqp.dataMessage(10)),
    frame(1, amqp.disposition(true, 0, 4000, amqp.accepted)),
    Buffer.from([0, 0, 0, 8, 2, 0, 0, 0]),
    frame(1, amqp.detach(0)),
    attached(0),
    frame(1, amqp.end()),
    frame(1, amqp.begin()),
    frame(0, amqp.close()),
  ];
  for (const each of said) expect(guard.admit(each)).toBe(true);
});

test('detaching and ending what is gone is let by and does nothing', () => {
  const guard = begun();
  expect(guard.admit(frame(1, amqp.detach(3)))).toBe(false);
  expect(guard.admit(frame(2, amqp.end()))).toBe(false);
});

test.each<[string, () => Guard, Buffer, string]>([
  ['a channel over the limit', opened, frame(MAX_CHANNEL + 1, amqp.begin()), 'amqp:connection:framing-error'],
  ['a session twice', begun, frame(1, amqp.begin()), 'amqp:connection:framing-error'],
  ['a channel without a session', begun, frame(2, amqp.flow(undefined)), 'amqp:connection:framing-error'],
  ['a handle over the limit', begun, attached(MAX_HANDLE + 1), 'amqp:connection:framing-error'],
  ['a transfer on no link', begun, frame(1, amqp.transfer({ id: 0 })), 'amqp:session:unattached-handle'],
  ['a second open', opened, frame(0, amqp.open()), 'amqp:not-allowed'],
  ['an answer to a session of nobody', opened, frame(0, amqp.begin({ 0: uint(1) })), 'amqp:not-allowed'],
  [
    'an address that is no string',
    begun,
    frame(1, amqp.attach({ address: 'q', role: false, target: amqp.performative(0x29, { 0: uint(1) }) })),
    'amqp:invalid-field',
  ],
  [
    'an unknown outcome',
    begun,
    frame(1, amqp.disposition(true, 0, 0, described(0x35, list()))),
    'amqp:not-implemented',
  ],
  [
    'an attach of 20 KB',
    begun,
    frame(1, amqp.attach({ address: 'q', role: true, name: 'x'.repeat(20_000) })),
    'amqp:resource-limit-exceeded',
  ],
])('%s ends the connection', (_, guard, bytes, condition) => {
  const ready = guard();
  expect(() => ready.admit(bytes)).toThrow(expect.objectContaining({ condition }));
});

test('a handle is used once at a time', () => {
  const guard = begun();
  guard.admit(attached(5, 'a'));
  expect(() => guard.admit(attached(5, 'b'))).toThrow(
    expect.objectContaining({ condition: 'amqp:session:handle-in-use' }),
  );
});

const WRONG = [NULL, uint(1), string('x'), list(), map(), binary(Buffer.alloc(2)), described(1, NULL)];

test.each([
  [amqp.OPEN, [0]],
  [amqp.BEGIN, [1, 2, 3]],
  [amqp.ATTACH, [0, 1, 2]],
  [amqp.FLOW, [1, 2, 3]],
  [amqp.TRANSFER, [0]],
  [amqp.DISPOSITION, [0, 1]],
  [amqp.DETACH, [0]],
])('performative %i: what must be there and have its type is looked at', (code, fields) => {
  const good: Record<number, Buffer> = {
    [amqp.OPEN]: amqp.open(),
    [amqp.BEGIN]: amqp.begin(),
    [amqp.ATTACH]: amqp.attach({ address: 'q', role: true }),
    [amqp.FLOW]: amqp.flow(undefined),
    [amqp.TRANSFER]: amqp.transfer({ id: 0 }),
    [amqp.DISPOSITION]: amqp.disposition(true, 0, 0, amqp.accepted),
    [amqp.DETACH]: amqp.detach(0),
  };
  expect(good[code]).toBeDefined();
  for (const field of fields) {
    let refused = 0;
    for (const wrong of WRONG) {
      const guard = code === amqp.OPEN ? new Guard(new Endpoints()) : begun();
      if (code === amqp.OPEN) guard.admit(amqp.AMQP_HEADER);
      // The others are right: only the one field can be what is wrong.
      const right = { 0: uint(0), 1: uint(0), 2: uint(0), 3: uint(0) };
      const strings = code === amqp.OPEN || code === amqp.ATTACH ? { 0: string('x') } : {};
      const booleans = code === amqp.ATTACH ? { 2: TRUE } : code === amqp.DISPOSITION ? { 0: TRUE } : {};
      const rest = code === amqp.OPEN ? {} : right;
      const bytes = amqp.performative(code, { ...rest, ...strings, ...booleans, [field]: wrong });
      try {
        guard.admit(frame(1, bytes));
      } catch {
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThanOrEqual(WRONG.length - 1);
  }
});

const TRUE = Buffer.from([0x41]);

test('an open says what can be served', () => {
  for (const [field, value] of [
    [2, 511],
    [4, 10],
  ] as const) {
    const guard = new Guard(new Endpoints());
    guard.admit(amqp.AMQP_HEADER);
    expect(() => guard.admit(frame(0, amqp.open({ [field]: uint(value) })))).toThrow(
      expect.objectContaining({ condition: 'amqp:not-allowed' }),
    );
  }
  const guard = new Guard(new Endpoints());
  guard.admit(amqp.AMQP_HEADER);
  expect(guard.admit(frame(0, amqp.open({ 2: uint(512), 4: uint(0xffff_ffff) })))).toBe(true);
});

test('sessions and links are counted over all connections, and given back with theirs', () => {
  const endpoints = new Endpoints();
  const guard = new Guard(endpoints);
  guard.admit(amqp.AMQP_HEADER);
  guard.admit(frame(0, amqp.open()));
  for (let channel = 0; channel < 20; channel += 1) {
    guard.admit(frame(channel, amqp.begin()));
    for (let handle = 0; handle < 2200; handle += 1) {
      const link = amqp.attach({ address: 'q', role: true, handle });
      if (channel === 19 && handle === 2180) {
        expect(endpoints.full).toBe(true);
        expect(() => guard.admit(frame(channel, link))).toThrow(
          expect.objectContaining({ condition: 'amqp:resource-limit-exceeded' }),
        );
        guard.close();
        expect(endpoints.full).toBe(false);
        return;
      }
      guard.admit(frame(channel, link));
    }
  }
});

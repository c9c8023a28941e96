// What people see of what all processes share is what an order that changes nothing is answered with, and no state changes.
import { describe, expect, it } from 'vitest';
import { controlAddress } from '../../../src/contract/control.ts';
import type { EventJson, Json } from '../../../src/contract/json.ts';
import { reduceAsks } from '../../../src/control/asks/asks.ts';
import { reduceLimit } from '../../../src/control/limit/limiter.ts';
import { look } from '../../../src/control/look.ts';
import { reduceTenant } from '../../../src/control/tenant/tenant.ts';

const NOW = 1_700_000_000_000;
const from = { entity: 'replies', sessionId: 'client', correlationId: 'c' };
const tell: EventJson = {
  type: 'tell',
  actor: { type: 'm', id: 'a' },
  life: 'one',
  turn: 1,
  open: { q1: { state: 's', question: 'Go?', event: 'answer', openedAt: 1 } },
  closed: [],
};
const draw: EventJson = {
  type: 'draw',
  to: { entity: 'actor.m', sessionId: 'a', correlationId: 'one' },
  seq: 1,
  least: { microUsd: 5, tokens: 0 },
  wish: { microUsd: 9, tokens: 0 },
  limit: { microUsd: 100 },
  isFinal: false,
};

describe('a look', () => {
  it.each([
    ['asks', reduceAsks, tell, { list: 'open', limit: 10 }],
    ['limit', reduceLimit, { type: 'order', id: 'o', from, stop: true }, {}],
    ['tenant', reduceTenant, draw, {}],
  ] as const)('at %s is the answer of an order', (kind, reducer, event, what) => {
    const reduce = reducer as (
      state: unknown,
      event: EventJson,
      now: number,
    ) => ReturnType<typeof reduceAsks>;
    const { state } = reduce(undefined, event, NOW);
    const order = { type: 'order', id: 'x', from, ...what } as unknown as EventJson;
    const [answer] = reduce(state, order, NOW).answers;
    const context = { state: state as unknown as Json, wakeAt: null };
    const before = JSON.stringify(context);
    expect(look(controlAddress(kind, '').type, context, what, NOW)).toEqual(answer?.value);
    expect(answer?.value).toBeDefined();
    expect(JSON.stringify(context)).toBe(before);
  });

  it('at what shows nothing, and with a question that nobody knows, is none', () => {
    const asks = controlAddress('asks', '').type;
    expect(look(controlAddress('lane', '').type, { state: null }, {}, NOW)).toBeUndefined();
    expect(look('order', { state: null }, {}, NOW)).toBeUndefined();
    for (const what of [null, 'open', [], { list: 'other', limit: 1 }])
      expect(look(asks, { state: null }, what, NOW)).toBeUndefined();
  });
});

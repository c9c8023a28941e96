import { describe, expect, it } from 'vitest';
import { assign, createMachine } from 'xstate';
import { contextToJson } from '../../../../src/actors/core/to-json.ts';
import { TestActor } from './turns.ts';

class Money {
  amount = 1;
}

describe('a context that would not come back from the state', () => {
  it.each<[string, unknown, string]>([
    ['a date', { at: new Date(0) }, 'context.at is a Date'],
    ['a map', { a: [{ m: new Map() }] }, 'context.a[0].m is a Map'],
    ['a set', { s: new Set() }, 'context.s is a Set'],
    ['an error', { e: new TypeError('x') }, 'context.e is an Error (TypeError); keep its message'],
    ['an instance', { price: new Money() }, 'context.price is an instance of Money'],
    ['bytes', { raw: new Uint8Array(2) }, 'context.raw is an instance of Uint8Array'],
    ['a function', { f: () => 1 }, 'context.f is a function'],
    ['a BigInt', { n: 1n }, 'context.n is a BigInt'],
    ['a symbol', { s: Symbol('s') }, 'context.s is a symbol'],
    ['NaN', { n: Number.NaN }, 'context.n is NaN'],
    ['infinity', { min: Infinity }, 'context.min is Infinity'],
    ['a hole', { list: [1, undefined] }, 'context.list[1] is undefined'],
  ])('%s is refused with its path', (_name, context, message) => {
    expect(() => contextToJson(context, 'order')).toThrow(
      expect.objectContaining({
        code: 'MACHINE_NOT_DURABLE',
        message: expect.stringContaining(`machine 'order': ${message}`),
      }),
    );
  });

  it('is not one with undefined properties, a null prototype or a negative zero', () => {
    expect(contextToJson({ a: undefined, b: { c: [] } }, 'order')).toEqual({ b: { c: [] } });
    expect(contextToJson(Object.assign(Object.create(null) as object, { a: 1 }), 'order')).toEqual({ a: 1 });
    expect(contextToJson({ zero: -0 }, 'order')).toEqual({ zero: 0 });
  });

  it('that goes round in circles is named by JSON itself', () => {
    const context: { self?: unknown } = {};
    context.self = context;
    expect(() => contextToJson(context, 'order')).toThrow(/circular/i);
  });

  it('costs the message that made it, and no other', () => {
    const machine = createMachine({
      types: {} as { context: { at: unknown; n: number } },
      context: { at: null, n: 0 },
      on: {
        date: { actions: assign({ at: () => new Date(0) }) },
        add: { actions: assign({ n: ({ context }) => context.n + 1 }) },
      },
    });
    const actor = new TestActor(machine);
    actor.start();
    const event = (type: string) => ({ kind: 'event', event: { type } }) as const;
    const { verdicts } = actor.take(event('add'), event('date'), event('add'));
    expect(verdicts.map(({ kind }) => kind)).toEqual(['applied', 'rejected', 'applied']);
    expect(actor.context).toEqual({ at: null, n: 2 });
  });
});

import { context, propagation, ROOT_CONTEXT, type TextMapPropagator } from '@opentelemetry/api';
import { afterEach, expect, it } from 'vitest';
import { carriedFrom, carriedIn, withCarried } from '../../../src/observability/carried.ts';

const TRACEPARENT = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;

/** Says what an SDK would: W3C headers of whatever context. */
const propagator: TextMapPropagator = {
  fields: () => [],
  inject: (_from, carrier, setter) => {
    setter.set(carrier, 'traceparent', TRACEPARENT);
    setter.set(carrier, 'tracestate', 'v=1');
    setter.set(carrier, 'baggage', 'tenant=acme');
    setter.set(carrier, 'x-b3', 'other');
  },
  extract: (to, carrier, getter) =>
    propagation.setBaggage(
      to,
      propagation.createBaggage({ got: { value: String(getter.get(carrier, 'baggage')) } }),
    ),
};

afterEach(() => {
  propagation.disable();
  context.disable();
});

it('is nothing without a propagator', () => {
  expect(carriedFrom(ROOT_CONTEXT)).toEqual({});
});

it('is the two of W3C, and the base where there is nothing to carry', () => {
  propagation.setGlobalPropagator(propagator);
  expect(carriedFrom(ROOT_CONTEXT)).toEqual({ tracestate: 'v=1', baggage: 'tenant=acme' });
  expect(withCarried(ROOT_CONTEXT, TRACEPARENT, {})).toBe(ROOT_CONTEXT);
  expect(withCarried(ROOT_CONTEXT, undefined, { baggage: 'a=b' })).toBe(ROOT_CONTEXT);
  const carried = withCarried(ROOT_CONTEXT, TRACEPARENT, { baggage: 'a=b', other: 1 });
  expect(propagation.getBaggage(carried)?.getEntry('got')?.value).toBe('a=b');
});

it.each([
  ['too long a tracestate', { tracestate: 't'.repeat(513) }],
  ['too long a baggage', { baggage: 'b'.repeat(2_049) }],
  ['what is no text', { tracestate: 1, baggage: true }],
  ['nothing', { tracestate: '', baggage: '' }],
])('leaves out %s', (_, properties) => {
  expect(carriedIn(properties)).toEqual({});
});

it('keeps what just fits', () => {
  const properties = { tracestate: 't'.repeat(512), baggage: 'b'.repeat(2_048) };
  expect(carriedIn({ ...properties, 'quorate-agent': 'x' })).toEqual(properties);
});

import { context, propagation, trace } from '@opentelemetry/api';
import { afterEach, expect, it } from 'vitest';
import { inTraceContext } from '../../../../src/actors/worker/trace-context.ts';

const TRACEPARENT = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;

afterEach(() => {
  context.disable();
  propagation.disable();
});

function headers(): Record<string, string> {
  const carrier: Record<string, string> = {};
  propagation.inject(context.active(), carrier);
  return carrier;
}

it('runs as it is without a context', () => {
  expect(inTraceContext(undefined, () => trace.getActiveSpan())).toBeUndefined();
});

it('holds over awaits and in callbacks, ends with its function, and keeps two apart', async () => {
  const other = TRACEPARENT.replaceAll('b', 'c');
  const one = { traceparent: TRACEPARENT, tracestate: 'v=1', baggage: 'a=1%2C2,bad,b=%zz,c=3;meta' };
  const [first, second] = await Promise.all(
    [one, { traceparent: other }].map((carrier) =>
      inTraceContext(carrier, async () => {
        await Promise.resolve();
        const bound = context.bind(context.active(), headers);
        return [headers(), await new Promise((resolve) => setTimeout(() => resolve(bound()), 1))];
      }),
    ),
  );
  const expected = { traceparent: TRACEPARENT, tracestate: 'v=1', baggage: 'a=1%2C2,c=3' };
  expect(first).toEqual([expected, expected]);
  expect(second).toEqual([{ traceparent: other }, { traceparent: other }]);
  expect(headers()).toEqual({});
});

// What travels with a trace beside `traceparent`: W3C `tracestate` and `baggage`, as properties of messages under their own names.
// Who registers no propagator has neither. What is longer than others keep is left out: states and all messages would carry it.
import { type Context, context, propagation } from '@opentelemetry/api';
import type { Carried } from '../contract/trace.ts';

/** W3C asks for 512 characters of the one. Of the other it allows 8,192 bytes; a state has 2,048 to spare for it. */
const MOST = { tracestate: 512, baggage: 2_048 } as const;

/** Of the active context, for the properties of a message. */
export function carriedFrom(from: Context = context.active()): Carried {
  const carrier: Record<string, unknown> = {};
  propagation.inject(from, carrier);
  return carriedIn(carrier);
}

/** Of the properties of a message, or another carrier. */
export function carriedIn({ tracestate, baggage }: Readonly<Record<string, unknown>>): Carried {
  return {
    ...(fits(tracestate, MOST.tracestate) ? { tracestate } : {}),
    ...(fits(baggage, MOST.baggage) ? { baggage } : {}),
  };
}

function fits(text: unknown, most: number): text is string {
  return typeof text === 'string' && text !== '' && text.length <= most;
}

/** The context with what a message carries, over one that has its span already. */
export function withCarried(
  base: Context,
  traceparent: string | undefined,
  properties: Readonly<Record<string, unknown>>,
): Context {
  const carried = carriedIn(properties);
  if (traceparent === undefined || Object.keys(carried).length === 0) return base;
  return propagation.extract(base, { traceparent, ...carried });
}

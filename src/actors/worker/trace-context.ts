// The trace context of an agent in a worker thread. No SDK starts here (pool/threads.ts), so this is the least that the API needs for
// `trace.getActiveSpan()`, baggage and `propagation.inject`: what the agent asks others to do stays in its trace. Its own spans would
// need an SDK of its own.
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Baggage,
  type Context,
  type ContextManager,
  context,
  createTraceState,
  propagation,
  ROOT_CONTEXT,
  type TextMapPropagator,
  trace,
} from '@opentelemetry/api';
import type { TraceCarrier } from '../../contract/trace.ts';
import { formatTraceparent, parseTraceparent } from '../../observability/telemetry.ts';

let isSet = false;

/** Runs `fn` in the context of its attempt. */
export function inTraceContext<T>(carrier: TraceCarrier | undefined, fn: () => T): T {
  if (carrier === undefined) return fn();
  if (!isSet) {
    isSet = true;
    // One that was set before stays.
    context.setGlobalContextManager(new StorageContextManager());
    propagation.setGlobalPropagator(W3C);
  }
  return context.with(propagation.extract(ROOT_CONTEXT, carrier), fn);
}

class StorageContextManager implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();

  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT;
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    to: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#storage.run(to, () => fn.call(thisArg as never, ...args));
  }

  bind<T>(to: Context, target: T): T {
    if (typeof target !== 'function') return target;
    const bound = (...args: unknown[]): unknown =>
      this.#storage.run(to, () => Reflect.apply(target, undefined, args) as unknown);
    return bound as T;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    this.#storage.disable();
    return this;
  }
}

const FIELDS = ['traceparent', 'tracestate', 'baggage'];

const W3C: TextMapPropagator = {
  fields: () => [...FIELDS],
  inject(from, carrier, setter) {
    const span = trace.getSpanContext(from);
    if (span !== undefined) setter.set(carrier, 'traceparent', formatTraceparent(span));
    const tracestate = span?.traceState?.serialize() ?? '';
    if (tracestate !== '') setter.set(carrier, 'tracestate', tracestate);
    const baggage = serialized(propagation.getBaggage(from));
    if (baggage !== '') setter.set(carrier, 'baggage', baggage);
  },
  extract(to, carrier, getter) {
    const [traceparent, tracestate, baggage] = FIELDS.map((field) => textOf(getter.get(carrier, field)));
    const span = parseTraceparent(traceparent);
    let extracted = to;
    if (span !== undefined) {
      const traceState = tracestate === undefined ? {} : { traceState: createTraceState(tracestate) };
      extracted = trace.setSpanContext(extracted, { ...span, ...traceState });
    }
    return baggage === undefined ? extracted : propagation.setBaggage(extracted, parsed(baggage));
  },
};

function textOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function serialized(baggage: Baggage | undefined): string {
  return (baggage?.getAllEntries() ?? [])
    .map(([key, { value }]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`)
    .join();
}

/** Metadata behind a `;` is left out, and what is no pair. */
function parsed(text: string): Baggage {
  const entries = text.split(',').flatMap((entry) => {
    const [pair = ''] = entry.split(';');
    const at = pair.indexOf('=');
    const [key, value] = [decoded(pair.slice(0, at)), decoded(pair.slice(at + 1))];
    return at < 1 || key === undefined || value === undefined ? [] : [[key, { value }] as const];
  });
  return propagation.createBaggage(Object.fromEntries(entries));
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.trim());
  } catch {
    return undefined;
  }
}

// Ids for spans: random, unless Quorate has reserved some for the span that is being made.
//
// A span that outlives a process (an actor, a task) gets its ids when it begins, from what it covers; messages carry them as
// their parent. It is exported when it is over. The API has no way to give a span its ids, so both sides share a slot:
//
//   globalThis[Symbol.for('quorate.span-ids')] = { traceId, spanId }   before `startSpan`, removed right after it
//
// `recordSpan` in Quorate's src/observability/telemetry.ts writes it, the generator reads it; nothing asynchronous lies between.
// The symbol is global, so it works for any copy of either package, and for an id generator of any version of the SDK.
import { type IdGenerator, RandomIdGenerator } from '@opentelemetry/sdk-trace';

const SPAN_ID_SLOT: unique symbol = Symbol.for('quorate.span-ids');

interface SpanIds {
  readonly traceId: string;
  readonly spanId: string;
}

const globals: { readonly [SPAN_ID_SLOT]?: SpanIds | undefined; readonly globalThis: unknown } = globalThis;

/**
 * Gives an id generator for an SDK of your own, so that spans which are exported after the fact keep the ids that messages already
 * carry: `new NodeSDK({ idGenerator: createIdGenerator() })`.
 */
export function createIdGenerator(): IdGenerator {
  const random = new RandomIdGenerator();
  return {
    generateTraceId: () => globals[SPAN_ID_SLOT]?.traceId ?? random.generateTraceId(),
    generateSpanId: () => globals[SPAN_ID_SLOT]?.spanId ?? random.generateSpanId(),
  };
}

// Ids for spans: random, unless `recordSpan` has reserved some for the span being made.
import { type IdGenerator, RandomIdGenerator } from '@opentelemetry/sdk-trace';
import { reservedSpanIds } from '../src/observability/telemetry.ts';

/** Give it to an SDK of your own, so that retroactive spans keep the ids that messages already carry. */
export function createIdGenerator(): IdGenerator {
  const random = new RandomIdGenerator();
  return {
    generateTraceId: () => reservedSpanIds()?.traceId ?? random.generateTraceId(),
    generateSpanId: () => reservedSpanIds()?.spanId ?? random.generateSpanId(),
  };
}

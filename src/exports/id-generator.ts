// `quorate/id-generator`: ids for an application's own SDK of OpenTelemetry, of whichever line. Spans that are exported after the fact
// (actors, tasks) keep the ids that messages already carry, which `recordSpan` leaves in a slot (observability/telemetry.ts).
import { randomBytes } from 'node:crypto';
import { reservedSpanIds } from '../observability/telemetry.ts';

/** The IdGenerator of OpenTelemetry's SDK, line 2 or 3. */
export interface IdGenerator {
  /** 32 hex digits. */
  generateTraceId(): string;
  /** 16 hex digits. */
  generateSpanId(): string;
}

/**
 * Gives an id generator for an SDK of your own. Its ids are random, but for spans that Quorate has reserved ids for.
 *
 * @example
 * ```ts
 * new NodeSDK({ idGenerator: createIdGenerator() }).start();
 * ```
 */
export function createIdGenerator(): IdGenerator {
  return {
    generateTraceId: () => reservedSpanIds()?.traceId ?? random(16),
    generateSpanId: () => reservedSpanIds()?.spanId ?? random(8),
  };
}

/** All zeros would be no id. */
function random(bytes: number): string {
  const id = randomBytes(bytes).toString('hex');
  return /[1-9a-f]/.test(id) ? id : id.replace(/.$/, '1');
}

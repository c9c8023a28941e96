// A batch processor that knows what became of every span. The SDK's own drops silently once its queue is full, and
// calls a failed export an error of the process; here both are counts, one warning a minute, and a line at the end.
import { TraceFlags } from '@opentelemetry/api';
import { BatchSpanProcessor, type SpanExporter, type SpanProcessor } from '@opentelemetry/sdk-trace';

/** A scatter over 2,000 files and three agents ends some 20,000 spans within seconds; three times that fits. */
export const MAX_QUEUED_SPANS = 65_536;
/** At shutdown all batches leave at once, and the exporter takes CONCURRENT_EXPORTS of them: 32 of 2,048. */
export const MAX_BATCH_SPANS = 2_048;
export const CONCURRENT_EXPORTS = 64;
/** How much a process that dies without a shutdown may lose. */
const EXPORT_DELAY_MS = 1_000;

/** ended = delivered + lost + dropped + what is still queued or on its way. */
export interface DeliveryCounts {
  ended: number;
  delivered: number;
  /** Handed to the exporter, which failed. */
  lost: number;
  /** Never queued: the queue was full. */
  dropped: number;
}

export interface Delivery extends SpanProcessor {
  readonly destination: string;
  readonly counts: Readonly<DeliveryCounts>;
}

interface DeliveryOptions {
  readonly exporter: SpanExporter;
  /** For people: a URL or a file. */
  readonly destination: string;
  readonly warn: Warn;
  readonly maxQueuedSpans?: number;
  readonly maxBatchSpans?: number;
  readonly delayMs?: number;
}

const SUCCESS = 0;

export function createDelivery(options: DeliveryOptions): Delivery {
  const { exporter, destination, warn, maxQueuedSpans = MAX_QUEUED_SPANS } = options;
  const counts: DeliveryCounts = { ended: 0, delivered: 0, lost: 0, dropped: 0 };
  let queued = 0;

  const settled = (spans: number, failure: Error | undefined): void => {
    if (failure === undefined) {
      counts.delivered += spans;
      return;
    }
    counts.lost += spans;
    warn(
      'export',
      `${counts.lost} spans lost so far, ${destination} does not take them: ${reasonOf(failure)}`,
    );
  };
  const counting: SpanExporter = {
    export(spans, done) {
      queued -= spans.length;
      const finish = (failure?: Error): void => {
        settled(spans.length, failure);
        done({ code: SUCCESS });
      };
      try {
        exporter.export(spans, (result) => {
          const code: number = result.code;
          finish(code === SUCCESS ? undefined : (result.error ?? new Error('export failed')));
        });
      } catch (thrown) {
        finish(thrown instanceof Error ? thrown : new Error(String(thrown)));
      }
    },
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  };
  const batches = new BatchSpanProcessor({
    exporter: counting,
    maxQueueSize: maxQueuedSpans,
    maxExportBatchSize: Math.min(options.maxBatchSpans ?? MAX_BATCH_SPANS, maxQueuedSpans),
    scheduledDelayMillis: options.delayMs ?? EXPORT_DELAY_MS,
  });
  return {
    destination,
    counts,
    onStart: (span, parent) => batches.onStart(span, parent),
    onEnd(span) {
      if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
      counts.ended += 1;
      if (queued >= maxQueuedSpans) {
        counts.dropped += 1;
        warn(
          'queue',
          `${counts.dropped} spans dropped so far, ${maxQueuedSpans} are waiting for ${destination}`,
        );
        return;
      }
      queued += 1;
      batches.onEnd(span);
    },
    forceFlush: () => batches.forceFlush(),
    shutdown: () => batches.shutdown(),
  };
}

/** Node reports a refused connection to "localhost" as an AggregateError without a message. */
function reasonOf(failure: Error): string {
  const causes: readonly unknown[] = failure instanceof AggregateError ? failure.errors : [];
  const first = causes.find((cause) => cause instanceof Error);
  const code = 'code' in failure && typeof failure.code === 'string' ? failure.code : '';
  return failure.message || first?.message || code || failure.name;
}

// Warnings about telemetry, at most one a minute for each kind: telemetry must never drown what it watches.

/** Kinds are throttled apart, so that a full queue is still seen while the endpoint is down. */
export type WarningKind = 'export' | 'queue' | 'sdk';

export type Warn = (kind: WarningKind, message: string) => void;

export const WARNING_INTERVAL_MS = 60_000;

export function createThrottledWarn(write: (line: string) => void, now: () => number = Date.now): Warn {
  const last = new Map<WarningKind, { at: number; held: number }>();
  return (kind, message) => {
    const seen = last.get(kind);
    if (seen !== undefined && now() - seen.at < WARNING_INTERVAL_MS) {
      seen.held += 1;
      return;
    }
    const held = seen === undefined || seen.held === 0 ? '' : ` (${seen.held} such warnings held back)`;
    last.set(kind, { at: now(), held: 0 });
    write(`telemetry: ${message}${held}`);
  };
}

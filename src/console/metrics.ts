// What only the index knows, as metrics: how many actors there are, by type and by what they show, and how well the index is fed. The console
// that writes the index has them, so of several that look at one Service Bus from one data folder one says it.
import type { Logger } from '../contract/ports.ts';
import { meterExport } from '../observability/metrics/otel.ts';
import { toPrometheus } from '../observability/metrics/prometheus.ts';
import { Registry } from '../observability/metrics/registry.ts';
import type { IndexHandle } from './index/calls.ts';
import type { Keeper } from './index/keeper.ts';
import type { IndexStatus, TypeSummary } from './protocol.ts';

/** The index is asked at most so often: it counts all actors. */
const FRESH_MS = 10_000;

interface IndexMetricsOptions {
  readonly index: Pick<IndexHandle, 'types'>;
  readonly keeper: Pick<Keeper, 'status'>;
  readonly logger: Pick<Logger, 'debug'>;
  /** Epoch ms by the broker's clock. */
  readonly now: () => number;
}

export interface IndexMetrics {
  /** Text for Prometheus. */
  text(): string;
  /** Asks the index now, whenever it was asked last. */
  refresh(): Promise<void>;
  close(): void;
}

interface Seen {
  readonly types: readonly TypeSummary[];
  readonly status: IndexStatus;
}

export function createIndexMetrics({ index, keeper, logger, now }: IndexMetricsOptions): IndexMetrics {
  const registry = new Registry();
  let seen: Seen | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;

  const refresh = async (): Promise<void> => {
    askedAt = performance.now();
    const status = await keeper.status();
    seen = status.mode === 'writing' ? { status, types: await index.types(now()) } : undefined;
  };
  /** What was seen last: who scrapes again is told what is now. */
  const look = (): Seen | undefined => {
    if (performance.now() - askedAt >= FRESH_MS)
      refresh().catch((error: unknown) =>
        logger.debug('the index was not counted', { reason: String(error) }),
      );
    return seen;
  };

  registry.read('quorate.actors', (emit) => {
    for (const { type, counts } of look()?.types ?? [])
      for (const [shown, count] of Object.entries(counts)) emit(count, type, shown);
  });
  registry.read('quorate.index.lag', (emit) => {
    const lagMs = look()?.status.lagMs;
    if (lagMs !== undefined) emit(lagMs / 1_000);
  });
  registry.read('quorate.index.refused', (emit) => {
    const refused = look()?.status.refused;
    if (refused !== undefined) emit(refused);
  });
  meterExport.add(registry);
  return {
    text: () => toPrometheus(registry.collect()),
    refresh,
    close: () => meterExport.remove(registry),
  };
}

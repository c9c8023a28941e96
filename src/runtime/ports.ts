// What a runtime shows of itself to others: the health port, where its configuration has one, its metrics to OpenTelemetry, and the depth of
// queues, where that is asked for. In virtual time nobody looks.
import type { CuttableBridge } from '../bridge/bridge.ts';
import type { ResolvedConfig } from '../contract/config.ts';
import type { EntityDeclaration } from '../contract/entities.ts';
import type { Logger } from '../contract/ports.ts';
import type { Health } from '../contract/runtime.ts';
import { type EventLoop, readEventLoop } from '../observability/metrics/event-loop.ts';
import { meterExport } from '../observability/metrics/otel.ts';
import { toPrometheus } from '../observability/metrics/prometheus.ts';
import type { Registry } from '../observability/metrics/registry.ts';
import type { ProcessCounters } from './counters.ts';
import { createScale, startQueueMetrics } from './queue-metrics.ts';

interface PortOptions {
  readonly config: ResolvedConfig;
  readonly entities: readonly EntityDeclaration[];
  readonly threads: number;
  readonly bridge: CuttableBridge;
  readonly counters: ProcessCounters;
  readonly registry: Registry;
  readonly loop: EventLoop;
  readonly health: () => Health;
  readonly logger: Logger;
  readonly isVirtual: boolean;
  /** Text that `/metrics` answers as well. */
  readonly more: () => string;
}

interface Ports {
  /** Of the health port. */
  readonly url: string | undefined;
  /** Asks Service Bus nothing more. */
  quiet(): Promise<void>;
  close(): Promise<void>;
}

export async function openPorts(options: PortOptions): Promise<Ports> {
  const { config, entities, threads, bridge, counters, registry, health, logger, more } = options;
  if (options.isVirtual) return { url: undefined, quiet: async () => {}, close: async () => {} };
  const look = bridge.lookAtQueue;
  readEventLoop(registry, options.loop);
  const { healthPort: port, healthHost: host, queueMetricsMs: everyMs } = config;
  const metrics = (): string => toPrometheus(registry.collect()) + more();
  const scale = createScale({ config, threads, counters, look });
  const server = port === undefined ? undefined : await openServer({ port, host, health, metrics, scale });
  const queues =
    everyMs === undefined
      ? undefined
      : startQueueMetrics({ everyMs, entities, bridge, look, registry, logger });
  meterExport.add(registry);
  return {
    url: server?.url,
    quiet: async () => queues?.stop(),
    close: async () => {
      meterExport.remove(registry);
      await server?.close();
    },
  };
}

async function openServer(
  options: Parameters<typeof import('../observability/health.ts').createHealthServer>[0],
) {
  const { createHealthServer } = await import('../observability/health.ts');
  return createHealthServer(options);
}

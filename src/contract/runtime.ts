// What a runtime is given and what it offers; and what `quorate doctor` finds where it is to run.
import type { QuorateClient } from './client.ts';
import type { QuorateConfig } from './config.ts';
import type { Clock, InspectionSink, Logger } from './ports.ts';
import type { MachineDescription } from './worker.ts';

/** What an application gives its runtime beside the configuration. */
export interface RuntimeOptions {
  /** Default: silent. */
  readonly logger?: Logger;
  readonly inspection?: InspectionSink;
  /** Metrics of your own, as text for Prometheus: `/metrics` on `healthPort` answers them too. Asked at each request. */
  readonly metrics?: () => string;
  /** Clock of this machine, by default the system's. Leases go by it; turns, timers and deadlines go by the broker's clock. */
  readonly clock?: Clock;
  /** Environment to read; default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** What a runtime found at its start: which Service Bus, and which machines. */
export interface RuntimeInfo {
  readonly mode: 'embedded' | 'joined' | 'connection-string' | 'namespace';
  /** Host and port, never a key. */
  readonly endpoint: string;
  /** Absolute path. */
  readonly dataFolder: string;
  readonly prefix: string;
  readonly machines: readonly MachineDescription[];
  /** Address of the health port, where `healthPort` asks for one: `http://127.0.0.1:9464`. */
  readonly health?: string;
}

/** Whether this process can take on work now. */
export interface Health {
  readonly ready: boolean;
  /** One line when it is not. */
  readonly why?: string;
}

/** A host of actors and agents in this process. No global state: several can live side by side. */
export interface Runtime<C extends QuorateConfig = QuorateConfig> {
  readonly info: RuntimeInfo;
  readonly client: QuorateClient<C>;
  /** For a readiness probe: not while it is stopping, nor without a connection to Service Bus. */
  health(): Health;
  /** What this process measures, as text for Prometheus: what `/metrics` on `healthPort` answers. */
  metrics(): string;
  /** Loads machine modules anew, in new worker threads; actors stay. */
  replaceWorkers(): Promise<void>;
  /** Drains: takes nothing new, finishes what runs, releases every lock, closes the broker if it owns it. */
  stop(): Promise<void>;
}

// What `quorate doctor` finds: one line a check, with what to do where something is wrong.

export interface Finding {
  readonly check:
    | 'store'
    | 'reachable'
    | 'rights'
    | 'tier'
    | 'entities'
    | 'settings'
    | 'clock'
    | 'fencing'
    | 'limits';
  /** 'unknown' = it could not be looked at with these rights. */
  readonly status: 'ok' | 'wrong' | 'unknown';
  readonly text: string;
  /** What to do; absent when all is well. */
  readonly fix?: string;
}

// What a user tests: a configuration, what happens in it, and what must come out of it every time.
import { createWorkerPool } from '../actors/pool/pool.ts';
import { resolveConfig } from '../config/resolve.ts';
import type { QuorateClient } from '../contract/client.ts';
import type { QuorateConfig, ResolvedConfig } from '../contract/config.ts';
import type { EntityDeclaration } from '../contract/entities.ts';
import type { Json } from '../contract/json.ts';
import type { WorkerPool } from '../contract/ports.ts';
import { registerMachines } from '../runtime/registration.ts';
import type { FaultName } from './faults.ts';

/** A broker and a host of one scenario, in this process, on virtual time. */
export interface World<C extends QuorateConfig = QuorateConfig> {
  /** Another process's client: it survives the host and the broker. */
  readonly client: QuorateClient<C>;
  /** The virtual time, epoch ms. */
  readonly now: () => number;
  /** Skips time, from one thing that is due to the next, each handled before the next: '3 days', or ms. */
  readonly advance: (duration: string | number) => Promise<void>;
  /**
   * Says that tasks of an agent wait so long in its queue, ms, for a whole interval of `admission`, which passes: while time stands still none
   * waits. 0 says that they do not wait any more. Throws USAGE where `admission` is not configured.
   */
  readonly queueWaits: (agent: string, ms: number) => Promise<void>;
  /** Waits until everything that is under way has been handled; time stands still. */
  readonly settled: () => Promise<void>;
}

/** What the kit needs of a configuration. It has its own Service Bus and its own data. */
export type TestConfig = Pick<
  QuorateConfig,
  | 'machines'
  | 'agents'
  | 'topics'
  | 'limits'
  | 'prices'
  | 'budgets'
  | 'admission'
  | 'atRunTime'
  | 'asks'
  | 'lockDurationMs'
  | 'duplicateWindowMs'
  | 'retentionMs'
  | 'turnTimeoutMs'
  | 'sessions'
>;

/** What is to end the same in every run: a configuration, and what happens in it. */
export interface Scenario<C extends TestConfig = TestConfig> {
  readonly config: C;
  /** Limits of the configuration, their breakers too, hold by the virtual time. Default false: they let everything through at once. */
  readonly holdLimits?: boolean;
  /** Starts actors, sends events, lets time pass. */
  readonly run: (world: World<C & QuorateConfig>) => Promise<unknown>;
  /** What else must be the same at the end of every run, as JSON; it may also throw. */
  readonly outcome?: (world: World<C & QuorateConfig>) => Promise<Json | undefined> | Json | undefined;
}

/** What an exploration tries, and how long it may take. */
export interface ExploreOptions {
  /** Only these; default all. */
  readonly faults?: readonly FaultName[];
  /** Runs at a time. Default 4. */
  readonly parallel?: number;
  /** How long one run may take, real time, ms; a run that takes longer is repeated by itself. Default 20,000. */
  readonly timeoutMs?: number;
  /** No run begins after this time, real time: '2 minutes', or ms. Which ones are run by then follows from the seed. */
  readonly budget?: string | number;
  /** Only this share of the runs, above 0 and up to 1, drawn by the seed; at least one of each fault. */
  readonly sample?: number;
  /** Seed of what budget and sample draw. Default: another one each time, printed with the result. */
  readonly seed?: string | number;
  /** One line each. Default: console.log. */
  readonly print?: (line: string) => void;
}

// What all runs of one scenario share: worker threads and the registered machines. Everything else is new in each run.

const THREADS = 2;

export interface Laboratory {
  readonly resolved: ResolvedConfig;
  readonly entities: readonly EntityDeclaration[];
  /** Child machines included. */
  readonly types: readonly string[];
  readonly pool: WorkerPool;
  close(): Promise<void>;
}

export async function openLaboratory(config: QuorateConfig): Promise<Laboratory> {
  const resolved = resolveConfig(config);
  const pool = createWorkerPool({ threads: THREADS, turnTimeoutMs: resolved.turnTimeoutMs });
  try {
    const { machines, entities } = await registerMachines(resolved, pool);
    return { resolved, entities, types: [...machines.keys()], pool, close: () => pool.close() };
  } catch (error) {
    await pool.close();
    throw error;
  }
}

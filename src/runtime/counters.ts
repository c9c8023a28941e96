// Types of what a process counts, and of the runtime that shows it. They name neither the bridge nor the SDK, because user
// programs see them.
import type { LimitCounters } from '../actors/agents/limit/limit-client.ts';
import type { TaskCounters } from '../actors/agents/task/task.ts';
import type { HostCounters } from '../actors/host/host.ts';
import type { QuorateConfig } from '../contract/config.ts';
import type { Runtime } from '../contract/runtime.ts';
import type { CostRow } from '../contract/usage.ts';

/** Everything a process counted since its start; what tests and reports assert on. */
export interface RuntimeCounters {
  readonly actors: HostCounters;
  readonly agents: Record<string, TaskCounters>;
  /** What attempts in this process used, by agent and model, whatever became of them. */
  usage: readonly CostRow[];
  /** By name: limits that agents of this process have. */
  readonly limits: Record<string, LimitCounters>;
  deadLetters: number;
  /** Sessions of actors that are held now. */
  sessions: number;
}

/** What `createRuntime` gives: a runtime whose counters can be read. */
export interface LocalRuntime<C extends QuorateConfig = QuorateConfig> extends Runtime<C> {
  readonly counters: () => RuntimeCounters;
}

// What a process counts: types that user programs see, and the plain objects in which its parts count. They name neither the bridge nor the
// SDK. The registry of metrics reads the same objects (metrics.ts): nothing is counted twice.
import type { LimitCounters } from '../actors/agents/limit/limit-client.ts';
import type { TaskCounters } from '../actors/agents/task/task.ts';
import { type HostCounters, newHostCounters } from '../actors/host/host.ts';
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

/** Where the parts of a process count. */
export interface ProcessCounters {
  /** By machine type; `control` stands for all reserved ones. */
  readonly actors: Map<string, HostCounters>;
  readonly agents: Record<string, TaskCounters>;
  usage: readonly CostRow[];
  readonly limits: Record<string, LimitCounters>;
  /** Sessions of actors that are held now. */
  sessions: number;
}

export function newCounters(): ProcessCounters {
  return { actors: new Map(), agents: {}, usage: [], limits: {}, sessions: 0 };
}

/** The same one for the same type. */
export function countersOf({ actors }: Pick<ProcessCounters, 'actors'>, type: string): HostCounters {
  const known = actors.get(type) ?? newHostCounters();
  actors.set(type, known);
  return known;
}

export function toRuntimeCounters(counters: ProcessCounters, deadLetters: number): RuntimeCounters {
  const sum = newHostCounters();
  for (const one of counters.actors.values())
    for (const name of Object.keys(sum) as (keyof HostCounters)[]) sum[name] += one[name];
  const { agents, usage, limits, sessions } = counters;
  return structuredClone({ actors: sum, agents, usage, limits, deadLetters, sessions });
}

// What processes tell the index of a console (docs/console.md): one record for each commit of an actor, what each process is at, and the
// definitions of its machines. Records are absolute: the newest alone says how an actor is, so that repeats and reordering cost nothing.
import type { Priority } from './control.ts';
import type { Json } from './json.ts';
import type { ErrorJson } from './outcome.ts';
import type { ActorStatus } from './turn.ts';

/** Newest records count by (life, revision), compared in this order. */
export interface RecordOrder {
  /** Sequence number of the message that started this life of the actor; 0 where a former build started it. */
  readonly life: number;
  /** Commits of this life that were told, counted in its state. */
  readonly revision: number;
}

/** One event that was applied. */
export interface RecordedStep {
  readonly turn: number;
  /** Type of the event. */
  readonly event: string;
  /** State value after it. */
  readonly to: Json;
  /** What the turn asked for, each in a few words: `task researcher`, `send order/7 PAID`, `timer 30s`. */
  readonly effects?: readonly string[];
}

/** Work that an actor waits for. */
export interface RecordedExecution {
  readonly id: string;
  /** Id of the invoke. */
  readonly childId: string;
  readonly src: string;
  readonly kind: 'task' | 'scatter' | 'child';
  readonly agent?: string;
  /** Of a child actor: `type/id`. */
  readonly child?: string;
  /** Epoch ms. */
  readonly startedAt: number;
  readonly deadlineAt?: number;
  /** Of a scatter: branches in all, answered well, answered badly. */
  readonly total?: number;
  readonly ok?: number;
  readonly failed?: number;
}

export interface RecordedCosts {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly microUsd: number;
  readonly calls: number;
}

/** An actor as it is after a commit. Times are epoch ms by the broker's clock. */
export interface ActorRecord extends RecordOrder {
  readonly kind: 'actor';
  readonly type: string;
  readonly id: string;
  readonly incarnation: string;
  readonly turn: number;
  /** The turn before these steps: where the index knows less than that, it has not seen everything. */
  readonly prevTurn: number;
  readonly at: number;
  readonly status: ActorStatus;
  readonly value: Json;
  readonly tags: readonly string[];
  readonly startedAt: number;
  readonly endedAt?: number;
  /** Version of its machine. */
  readonly version: string;
  /** The process that committed it. */
  readonly host: string;
  readonly steps: readonly RecordedStep[];
  /** Steps between `prevTurn` and the first of `steps` that are not told: there were too many. */
  readonly moreSteps?: number;
  readonly executions: readonly RecordedExecution[];
  /** More of them are open than are told. */
  readonly moreExecutions?: number;
  /** When the next of its own timers is due. */
  readonly nextTimerAt?: number;
  readonly quarantine?: { readonly code: string; readonly message: string; readonly since: number };
  readonly error?: ErrorJson;
  /** `type/id`. */
  readonly parent?: string;
  readonly tenant?: string;
  readonly priority?: Priority;
  readonly traceId?: string;
  /** Of the session state as it was committed; absent where it is told again. */
  readonly stateBytes?: number;
  readonly costs?: RecordedCosts;
  /** Questions to people that are open. */
  readonly asks?: number;
  /** Tasks that a limit of a budget or a lane keeps unsent. */
  readonly unsent?: number;
  /** Since when it waits for its budget. */
  readonly exhaustedAt?: number;
}

/** An actor was forgotten, with all that it stored. */
export interface GoneRecord extends RecordOrder {
  readonly kind: 'gone';
  readonly type: string;
  readonly id: string;
  readonly at: number;
}

/** An agent as a process has it. */
export interface AgentPresence {
  readonly name: string;
  readonly concurrency: number;
  readonly running: number;
}

/** A process that lives. Told every ten seconds, and once more when it stops. */
export interface ProcessRecord {
  readonly kind: 'process';
  /** Random, new with each start. */
  readonly id: string;
  readonly at: number;
  readonly startedAt: number;
  readonly host: string;
  readonly pid: number;
  /** Of Quorate. */
  readonly build: string;
  readonly roles: readonly string[];
  /** Machine type -> version. */
  readonly machines: Readonly<Record<string, string>>;
  readonly agents: readonly AgentPresence[];
  /** Sessions of actors held now. */
  readonly sessions: number;
  readonly counters: Readonly<Record<string, number>>;
  /** How late the event loop was in the last ten seconds: 99th percentile, in ms. */
  readonly eventLoopMs: number;
  readonly memoryBytes: number;
  readonly stopped?: true;
}

/** The definition of a machine as a process runs it: what charts are drawn from. */
export interface MachineRecord {
  readonly kind: 'machine';
  readonly type: string;
  readonly version: string;
  readonly definition: Json;
  readonly at: number;
}

export type IndexRecord = ActorRecord | GoneRecord | ProcessRecord | MachineRecord;

// What the console's page asks its server, and what it is answered: JSON over HTTP, and invalidations as server-sent events. Times are epoch
// ms, addresses `type/id`. The page is built against these types alone.
import type { DeadLetter } from '../contract/dead-letters.ts';
import type { Json } from '../contract/json.ts';
import type { ProcessRecord, RecordedExecution } from '../contract/records.ts';
import type { QueryAnswer } from '../contract/wire.ts';

/**
 * How an actor is shown. An active one is `quarantined` while it stands still, `exhausted` while its budget holds work back, `asking` while
 * a question to people is open, `waiting` while work or a timer of its own is open, and `active` otherwise.
 */
export type Shown =
  | 'quarantined'
  | 'error'
  | 'exhausted'
  | 'asking'
  | 'waiting'
  | 'active'
  | 'done'
  | 'stopped';

/** Which actors are wanted. All fields must hold; what is left out is not looked at. */
export interface ActorFilter {
  readonly type?: string;
  readonly shown?: readonly Shown[];
  /** Its state value, as JSON. */
  readonly state?: string;
  readonly tenant?: string;
  /** Itself and all that it started. */
  readonly root?: string;
  readonly parent?: string;
  readonly code?: string;
  readonly version?: string;
  /** Anywhere in address, tenant, error or trace id; at least three characters. */
  readonly text?: string;
  /** Changed since, and before. */
  readonly since?: number;
  readonly until?: number;
}

export interface ActorQuery extends ActorFilter {
  /** Default: last change first. */
  readonly sort?: 'changed' | 'started' | 'cost' | 'age';
  /** As the page before gave it. */
  readonly after?: string;
  /** 1 to 500. Default 100. */
  readonly limit?: number;
}

export interface ActorRow {
  readonly address: string;
  readonly type: string;
  readonly id: string;
  readonly shown: Shown;
  readonly status: string;
  readonly value: Json;
  readonly tags: readonly string[];
  readonly turn: number;
  readonly parent?: string;
  readonly root: string;
  readonly tenant?: string;
  readonly priority?: string;
  readonly startedAt: number;
  readonly changedAt: number;
  readonly endedAt?: number;
  readonly version: string;
  /** The process that committed it last. */
  readonly host: string;
  readonly traceId?: string;
  /** Of its error, or of why it stands still. */
  readonly code?: string;
  readonly message?: string;
  /** Since when it stands still. */
  readonly quarantinedAt?: number;
  readonly executions: readonly RecordedExecution[];
  /** Since when the oldest of its open executions is open, and the first deadline among them. */
  readonly openSince?: number;
  readonly deadlineAt?: number;
  readonly timerAt?: number;
  readonly asks: number;
  readonly unsent: number;
  readonly exhaustedAt?: number;
  readonly stateBytes?: number;
  readonly tokens: number;
  readonly microUsd: number;
}

export interface ActorPage {
  readonly rows: readonly ActorRow[];
  /** Of the page behind it; absent on the last one. */
  readonly after?: string;
  /** How many match; counted up to MOST_COUNTED. */
  readonly count: number;
}

/** Counted no further: shown as "10,000+". */
export const MOST_COUNTED = 10_000;

export interface TimelineStep {
  readonly turn: number;
  readonly at: number;
  readonly event: string;
  readonly value: Json;
  readonly effects: readonly string[];
}

/** Turns (after, to] of which nothing was told. */
export interface TimelineGap {
  readonly after: number;
  readonly to: number;
}

export interface ActorDetail {
  readonly actor: ActorRow;
  /** Oldest first; the last 500. */
  readonly steps: readonly TimelineStep[];
  readonly gaps: readonly TimelineGap[];
  /** Its parents, the root first, and the actors that it started, newest first, at most 200. */
  readonly ancestors: readonly ActorRow[];
  readonly children: readonly ActorRow[];
}

export interface TypeSummary {
  readonly type: string;
  readonly counts: Readonly<Partial<Record<Shown, number>>>;
  /** Living actors by version of their machine. */
  readonly versions: Readonly<Record<string, number>>;
  /** Versions that a process serves now. */
  readonly served: readonly string[];
}

/** Living actors of one type and version by state value, as JSON: a heat map for its chart. */
export interface StateCount {
  readonly value: string;
  readonly count: number;
}

/** A process as it told last. Alive until it says that it stops, or is silent for half a minute. */
export interface ProcessRow extends Omit<ProcessRecord, 'kind' | 'at' | 'stopped'> {
  readonly seenAt: number;
  readonly state: 'alive' | 'silent' | 'stopped';
}

/** All living actors by type, version and state, and the machines that they run as they were told. */
export interface Living {
  readonly states: readonly {
    readonly type: string;
    readonly version: string;
    readonly value: Json;
    readonly count: number;
  }[];
  readonly machines: readonly {
    readonly type: string;
    readonly version: string;
    readonly definition: Json;
  }[];
}

/** One thing that a person should look at, the most urgent kind first. */
export interface AttentionGroup {
  readonly kind: 'quarantined' | 'error' | 'exhausted' | 'asking' | 'overdue' | 'slow' | 'unserved';
  /** Code of the error, machine type, or agent. */
  readonly what: string;
  readonly count: number;
  /** The one that changed last, as an example. */
  readonly example?: string;
  readonly message?: string;
  /** Since when, the oldest of them. */
  readonly since: number;
  /** What lists them. */
  readonly filter: ActorFilter;
}

export interface CostLine {
  /** A type, tenant or run, as it was asked for. */
  readonly of: string;
  readonly actors: number;
  readonly tokens: number;
  readonly microUsd: number;
}

/** How the index itself is. */
export interface IndexStatus {
  readonly actors: number;
  /** Written by this process, or another one of this data folder writes and this one reads. */
  readonly mode: 'writing' | 'reading';
  /** How old the newest record is that was taken in; undefined before the first. */
  readonly lagMs?: number;
  /** Records that could not be read. */
  readonly refused: number;
  readonly bytes: number;
  /** While actors are looked for that the index may not know: how many were looked at, and asked. */
  readonly sweep?: { readonly looked: number; readonly asked: number };
}

/** What each may do includes what the ones before it may. */
export const ROLES = ['reader', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

export interface Me {
  readonly name: string;
  readonly role: Role;
  /** Of Quorate. */
  readonly version: string;
  /** Which Service Bus: `embedded`, or its host. */
  readonly broker: string;
  readonly prefix: string;
}

/** An actor as its holder sees it now. */
export interface ActorNow {
  readonly snapshot: QueryAnswer;
  /** Types of events that its state takes. */
  readonly events: readonly string[];
}

export interface LetterGroup {
  readonly code: string;
  /** Agent, or type of the actor. */
  readonly of: string;
  readonly count: number;
  /** Epoch ms. */
  readonly first: number;
  readonly last: number;
}

export interface Letters {
  readonly groups: readonly LetterGroup[];
  /** The oldest of them. */
  readonly letters: readonly DeadLetter[];
  /** There are more than were looked at. */
  readonly more: boolean;
}

/** What was done, and the command line that does the same. */
export interface Done {
  readonly done: Json;
  readonly line: string;
}

/** Rows that have changed; `more`: others too. */
export interface Changes {
  readonly addresses: readonly string[];
  readonly more: boolean;
}

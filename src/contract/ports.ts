// The interfaces between bridge and actors, which do not import each other: the runtime wires them.
import type { ActorAddress } from './address.ts';
import type { EntityDeclaration } from './entities.ts';
import type { EventJson, Json } from './json.ts';
import type { ErrorJson } from './outcome.ts';
import type { ActorStatus } from './turn.ts';
import type { Costs } from './usage.ts';
import type { InboundMessage, WireMessage } from './wire.ts';
import type { WorkerRequest, WorkerResponse } from './worker.ts';

/** Fields are ids, counts and codes: never bodies, prompts or keys. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** The logger where nobody has asked for a log. */
export const SILENT: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** What is to become of a received message. Inside a session nobody abandons (I4). */
export type Disposition =
  | { readonly kind: 'complete' }
  | {
      readonly kind: 'deadLetter';
      readonly reason: string;
      readonly description: string;
      /** Nobody has to look at it: its sender is an actor, which continues (PROPERTY.handled). */
      readonly handled?: true;
    }
  /** `edited`: what a person changed of a dead letter (PROPERTY.edited). `handled`: its mark, which nobody has to look at any more (PROPERTY.handled). */
  | { readonly kind: 'defer'; readonly handled?: true; readonly edited?: string };

export type Taken =
  | { readonly kind: 'messages'; readonly messages: readonly InboundMessage[] }
  /** Nothing came for the idle time: let the session go. */
  | { readonly kind: 'idle' }
  /** Held for the hold quantum while others wait for a place: let them in (I14). */
  | { readonly kind: 'yield' }
  /** The lock is gone, or its fate unknown: nothing may be written any more (I1). */
  | { readonly kind: 'lost' }
  /** The pump is stopping: finish what was taken, take no more. */
  | { readonly kind: 'closing' };

/** A session whose lock this process holds. Every method answers with data; none throws for a lost lock. */
export interface HeldSession {
  readonly entity: string;
  readonly sessionId: string;
  /** The session state as JSON; null for a session without one. */
  readState(): Promise<{ readonly kind: 'state'; readonly state: unknown } | { readonly kind: 'lost' }>;
  /** Waits for at least one message, then gives all that are at hand, oldest first, at most `max`. */
  take(options: { readonly max: number; readonly idleMs: number }): Promise<Taken>;
  /**
   * The one commit (I2); null clears the state, and the session is gone. 'refused' when it is too large: nothing has changed,
   * and the lock is still held. 'lost' also when the outcome is unknown: the link is closed then (I1).
   */
  commit(state: Json): Promise<'committed' | 'refused' | 'lost'>;
  settle(message: InboundMessage, disposition: Disposition): Promise<'settled' | 'lost'>;
  /** Deferred messages by number; what is not there any more is left out. */
  receiveDeferred(sequenceNumbers: readonly number[]): Promise<readonly InboundMessage[]>;
  /** What lies in the session until its time comes; nothing once the lock is lost. Rejects when the broker refuses. */
  peekScheduled(): Promise<readonly InboundMessage[]>;
}

export interface SessionPumpOptions {
  readonly entity: string;
  /** Sessions held at once. */
  readonly maxSessions: number;
  /** Messages in flight a session: how much backlog one batch can see. */
  readonly window: number;
  readonly holdQuantumMs: number;
  /** Whether turns wait for threads already: no further session is accepted then. */
  readonly isSaturated?: () => boolean;
  /**
   * Called once a session; the session is released when the promise settles. 'refused': it is for another host, and nothing
   * was done to it. While such sessions come, fewer are accepted (I14).
   */
  readonly onSession: (session: HeldSession) => Promise<'refused' | void>;
}

export interface TaskPumpOptions {
  readonly entity: string;
  readonly concurrency: number;
  /** The pump settles as told; a rejection leaves the message to its lock. The lock is renewed until then; `lost` aborts when it is gone. */
  readonly onMessage: (
    message: InboundMessage,
    lost: AbortSignal,
    passed: () => void,
  ) => Promise<Disposition>;
  /**
   * With it at most one message is taken that is not known to fit: the next one when this resolves, or gives undefined, and a
   * place is free. `ahead`: messages in hand of which it is not known yet; `passed` says that it is. An abort ends the wait.
   */
  readonly ready?: (ahead: number, signal: AbortSignal) => Promise<void> | undefined;
}

export interface Pump {
  /** Stops taking, waits for what runs, releases every lock; no delivery count is raised. */
  stop(): Promise<void>;
  /** Items in hand now: sessions held, or tasks running. */
  readonly active: number;
}

/** A message of a batch once accepted; scheduled ones carry the number that cancels them. */
export interface Published {
  readonly sequenceNumber?: number;
}

/** A queue whose messages lie for people. */
export interface DeferredStore {
  /** Without a lock, in order of number, from the given one on. May give fewer than there are; none = no more. */
  browse(options: { readonly from: number; readonly max: number }): Promise<readonly InboundMessage[]>;
  /** A deferred message by number, settled as the handler says. A rejection leaves it where it is. */
  take(
    number: number,
    onMessage: (message: InboundMessage) => Promise<Disposition>,
  ): Promise<'taken' | 'gone'>;
}

export interface PublishOptions {
  /** Asked before each send. Once it gives false, what has not left fails (I2). */
  readonly mayBegin?: () => boolean;
}

export interface Bridge {
  /** Per declared entity what is missing or set wrongly; nothing with `apply` on. Throws TOPOLOGY_MISMATCH naming all. */
  ensureTopology(entities: readonly EntityDeclaration[]): Promise<void>;
  /** Accepted = on the broker's disk. Results in the order given. Sends of one call and of calls close in time are batched per entity. Order per entity is kept. */
  publish(messages: readonly WireMessage[], options?: PublishOptions): Promise<readonly Published[]>;
  /** Returns the numbers under which nothing is scheduled: active by now, or a repeat that the broker dropped. */
  cancelScheduled(entity: string, sequenceNumbers: readonly number[]): Promise<readonly number[]>;
  pumpSessions(options: SessionPumpOptions): Pump;
  pumpTasks(options: TaskPumpOptions): Pump;
  /** The dead-letter queue of an entity, as tasks. */
  pumpDeadLetters(options: TaskPumpOptions): Pump;
  /** Holds one named session for the life of the pump and re-accepts it whenever it is lost: a client's reply session. Messages are completed after `onMessage`. */
  pumpNamedSession(options: {
    readonly entity: string;
    readonly sessionId: string;
    readonly onMessage: (message: InboundMessage) => void;
  }): Pump & { readonly ready: Promise<void> };
  /** Opens nothing before it is used; closed with the bridge. */
  deferredStore(entity: string): DeferredStore;
  /** Lists sessions of an entity that have a state, and says how many were looked at: the next page begins behind those. */
  listSessions(
    entity: string,
    page: {
      readonly skip: number;
      readonly top: number;
      /** Those whose state was written since (epoch ms). Default: all. */
      readonly updatedSince?: number;
      /** Of those looked at only what begins so. */
      readonly prefix?: string;
    },
  ): Promise<{ readonly ids: readonly string[]; readonly listed: number }>;
  /** Open connections to the service now. */
  readonly connections: number;
  close(): Promise<void>;
}

/** The pool of worker threads. Never rejects for what a request did; a thread's death is `failed` with a code. */
export interface WorkerPool {
  run(
    request: WorkerRequest,
    options?: {
      readonly signal?: AbortSignal;
      readonly timeoutMs?: number;
      /** A thread has it: from here on an abort ends the thread. */
      readonly onBegin?: () => void;
      /** Of a CPU agent, while it runs; as they were given. */
      readonly onUsage?: (usage: unknown) => void;
      readonly onChunk?: (chunk: unknown) => void;
    },
  ): Promise<WorkerResponse>;
  /** Requests waiting for a thread. */
  readonly waiting: number;
  /** How many of these are turns, which a session lock waits for. */
  readonly waitingTurns: number;
  /** Replaces every thread: machine modules are loaded anew. Running requests finish first. */
  replace(): Promise<void>;
  close(): Promise<void>;
}

export interface InspectedSnapshot {
  readonly status: ActorStatus;
  readonly value: Json;
  readonly context: Json;
  readonly tags: readonly string[];
  readonly output?: Json;
  readonly error?: ErrorJson;
}

/** Neutral inspection events; the inspector maps them to `@statelyai/inspect`'s protocol at its edge. */
export interface InspectionSink {
  /** Once per actor and host, before its first step. */
  actor(actor: {
    readonly address: ActorAddress;
    readonly parent?: ActorAddress;
    readonly definition: Json;
    readonly snapshot: InspectedSnapshot;
  }): void;
  /** After each commit: the events applied, in order, and the committed snapshot. */
  step(step: {
    readonly address: ActorAddress;
    readonly events: readonly { readonly event: EventJson; readonly value: Json }[];
    readonly snapshot: InspectedSnapshot;
    readonly turn: number;
    /** What it used so far, with all that it started; absent until something of it is known. */
    readonly costs?: Costs;
  }): void;
}

/** Injected time; tests advance it. */
export interface Clock {
  now(): number;
  /** The time of this clock is skipped, and the broker carries its locks along: a skip ends no lease. */
  readonly skips?: boolean;
}

// What a turn is: (state, inputs, now, ids) -> (state, effects, verdict per input). Everything here is JSON.
import type { ActorAddress } from './address.ts';
import type { AsksState } from './asks.ts';
import type { Bounds } from './bounds.ts';
import type { Effect, ReplyAddress } from './effect.ts';
import type { EventJson, Json } from './json.ts';
import type { ErrorJson, Outcome } from './outcome.ts';
import type { PayloadRef } from './payload.ts';
import type { BranchError, BranchValue, GatherOutput, GatherPolicy, Spent } from './scatter.ts';

/** How a worker finds a machine. `path` leads through `implementations.actors` to a child machine's logic. */
export interface MachineRef {
  readonly type: string;
  /** File URL, or a package specifier. */
  readonly module: string;
  readonly export: string;
  readonly version: string;
  readonly path: readonly string[];
}

/** What the turn must know of the world outside its machine: which invoked names are agents or registered machines. */
export interface Registry {
  /** Agent name -> its default deadline in ms. */
  readonly agents: Readonly<Record<string, { readonly deadlineMs: number }>>;
  /** Machine type -> true. Child machines of a machine are `<type>.<src>`. */
  readonly machines: Readonly<Record<string, true>>;
  /** Topic -> name of a subscription -> its agent. Absent where none is configured. */
  readonly topics?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export interface ParentLink {
  readonly address: ActorAddress;
  readonly reply: ReplyAddress;
  readonly syncSnapshot: boolean;
  /** The id that the parent's machine knows this actor by: its `self.id`. */
  readonly childId?: string;
  /** Actors that this one finds by system id, as they were when it was started. */
  readonly system?: Readonly<Record<string, ActorAddress>>;
}

export type TurnInput =
  | {
      readonly kind: 'start';
      readonly input: Json;
      readonly parent?: ParentLink;
      /** Of the run, as far as they are left to this actor; a property of the message says it. */
      readonly bounds?: Bounds;
      /** Told 'started' or 'exists' by the host; not a waiter for the result. */
      readonly asker?: ReplyAddress;
    }
  /** `start`: what to start the actor with when it is not there; both are one turn. */
  | {
      readonly kind: 'event';
      readonly event: EventJson;
      readonly start?: { readonly input: Json; readonly bounds?: Bounds };
    }
  /** A task's, scatter branch's (`branch` set) or child's end. */
  | {
      readonly kind: 'reply';
      readonly execution: string;
      readonly branch?: number;
      readonly outcome: Outcome;
      /** Offers carry the instant (epoch ms) at which they lapse. */
      readonly expiresAt?: number;
      /** Span that produced it (W3C traceparent), kept for the gather's links. */
      readonly traceparent?: string;
      /** Where its output lies as well: a gather keeps this in its place. */
      readonly kept?: PayloadRef;
      /** At a child's end: tasks of its allotment that it did not ask for. */
      readonly tasksLeft?: number;
    }
  /** One piece of a streamed answer, numbered from 0; delivered to the machine in order of `seq`. */
  | {
      readonly kind: 'partial';
      readonly execution: string;
      readonly branch?: number;
      readonly seq: number;
      readonly value: Json;
    }
  | { readonly kind: 'childSnapshot'; readonly execution: string; readonly snapshot: Json }
  | { readonly kind: 'timer'; readonly token: string }
  /** Somebody wants the final outcome: answered at once when ended, else kept as a waiter. */
  | { readonly kind: 'await'; readonly asker: ReplyAddress }
  /** A person's answer to a question of this actor. */
  | {
      readonly kind: 'respond';
      /** Absent: to the only one that is open. */
      readonly ask?: string;
      readonly value: Json;
      /** Who answers, as they say it. */
      readonly by?: string;
      readonly asker: ReplyAddress;
    }
  /** The parent does not need this child any more, or a client asked for its end. */
  | { readonly kind: 'stop' }
  /** The host found that this input cannot be applied: it ends the actor in error if it is still waited for (I7). */
  | { readonly kind: 'fail'; readonly input: InternalInput; readonly error: ErrorJson };

export type InternalInput = Extract<
  TurnInput,
  { readonly kind: 'timer' | 'reply' | 'partial' | 'childSnapshot' }
>;

/** Inputs that nobody can send again, because nobody outside has sent them. An event of another actor is not one of them. */
export function isInternal(input: TurnInput): input is InternalInput {
  return (
    input.kind === 'timer' ||
    input.kind === 'reply' ||
    input.kind === 'partial' ||
    input.kind === 'childSnapshot'
  );
}

/** What became of one input, in the order of the inputs. */
export type Verdict =
  | {
      readonly kind: 'applied';
      /** For a start with an event: only the start was applied, and it ended the actor. */
      readonly refused?: ErrorJson;
      /** The machine threw on an internal input, which ended the actor in this error (I7). */
      readonly failure?: ErrorJson;
    }
  /** No longer waited for (I9): dropped and counted. */
  | { readonly kind: 'stale'; readonly why: string }
  /** I13: no such actor: never started, or forgotten. */
  | { readonly kind: 'unknown' }
  /** An event for an actor that has ended. */
  | { readonly kind: 'ended'; readonly error: ErrorJson }
  /** I13: a start for an actor that is there already (same incarnation). */
  | { readonly kind: 'exists' }
  /** A partial that came before its predecessor: defer its message, apply it when `seq` is due. */
  | { readonly kind: 'early'; readonly execution: string; readonly branch: number; readonly seq: number }
  /** Nothing has changed, and its sender is told why: an answer to a question that is not open, or that it does not take. */
  | { readonly kind: 'refused'; readonly error: ErrorJson }
  /** The machine threw, or the input is not allowed (an `xstate.*` event from outside): poison for this message alone. */
  | { readonly kind: 'rejected'; readonly error: ErrorJson };

export interface Timer {
  readonly dueAt: number;
  readonly what: /** `after` and delayed raise: the event goes to the machine itself. */
    | { readonly kind: 'raise'; readonly event: EventJson; readonly sendId: string }
    /** A delayed sendTo: an own timer, then a send. */
    | {
        readonly kind: 'send';
        readonly to: ActorAddress;
        readonly event: EventJson;
        readonly sendId: string;
      }
    /** I11: looks which open executions have passed their deadline. */
    | { readonly kind: 'deadlines' }
    /** One that has passed it: the machine is told, in a separate turn. */
    /** `isSpent`: nothing is left of the budget that it waits for, and nothing comes back. */
    | { readonly kind: 'deadline'; readonly execution: string; readonly isSpent?: true }
    /** The deadline of a question, with an answer in its place. */
    | { readonly kind: 'ask'; readonly ask: string }
    /** A bound of the run: its deadline, or whether anything comes. */
    | { readonly kind: 'bound'; readonly of: 'deadline' | 'progress' };
}

/** An answer that a gather keeps: its value, or where that lies. */
export type KeptValue = BranchValue | (Omit<BranchValue, 'value'> & { readonly ref: PayloadRef });

/**
 * A gather whose answers do not fit at the input that would have been one too many. First its machine is given the large ones by
 * reference. Where that does not fit either, there is an error, with which the gather ends.
 */
export interface Overflow {
  readonly execution: string;
  readonly error?: ErrorJson;
}

/** Answers that an error is to carry and that are too many for it: the host stores the list, and the error has its reference. */
export interface Stow {
  readonly execution: string;
  readonly answers: readonly Json[];
}

/** A gather in progress: bits, counters and references, never one XState child a branch. */
export interface GatherState {
  readonly agents: readonly string[];
  readonly total: number;
  readonly policy: GatherPolicy;
  readonly collect: 'values' | 'counts';
  /** base64 of a bit set over the branches: answered, well or badly. */
  readonly answered: string;
  readonly ok: number;
  readonly failed: number;
  /** With a policy that names `valid`: how many it did not say yes to, these if they are kept, and what it is given beside them. */
  readonly invalid?: number;
  readonly rejected?: readonly KeptValue[];
  readonly shared?: Json;
  /** What its branches used; absent until one has told. */
  readonly spent?: Spent;
  readonly duplicates: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly values: readonly KeptValue[];
  readonly errors: readonly BranchError[];
  readonly startedAt: number;
  /** Traceparents of the first accepted replies, at most MAX_LINKS. */
  readonly links: readonly string[];
}

/** The answers in hand, in branch order, for an error: what was paid for is not lost. */
export function answersIn({ values, rejected = [] }: Pick<GatherState, 'values' | 'rejected'>): Json[] {
  const all = [
    ...values.map((kept) => ({ kept, valid: true })),
    ...rejected.map((kept) => ({ kept, valid: false })),
  ].toSorted((a, b) => a.kept.index - b.kept.index);
  return all.map(({ kept, valid }) => ({
    branch: kept.index,
    agent: kept.agent,
    value: 'ref' in kept ? { ...kept.ref } : kept.value,
    ...(valid ? {} : { valid }),
  }));
}

/** No span has more: OpenTelemetry keeps 128 by default, Application Insights some 107. A gather counts the replies beyond them. */
export const MAX_LINKS = 100;

export type Execution = {
  /** The id under which the machine knows it (`invoke.id`). */
  readonly childId: string;
  readonly src: string;
  /** A state invokes it; the id of a spawned child looks the same. */
  readonly invoked?: true;
  readonly startedAt: number;
  /** While it is traced: the same by the clock of the machine that asked, with µs (epoch ms). */
  readonly tracedAt?: number;
  /** When its asker stops waiting, if it ever does (epoch ms). */
  readonly deadlineAt?: number;
  /** The work is done also when nobody waits for it any more. */
  readonly cancel?: 'ignore';
  /** Next expected partial per branch (branch 0 for a plain task); absent = 0. */
  readonly nextPartial?: Readonly<Record<string, number>>;
} & (
  | { readonly kind: 'task'; readonly agent: string }
  | { readonly kind: 'scatter'; readonly gather: GatherState }
  | { readonly kind: 'child'; readonly address: ActorAddress }
);

/** A gather that was open when its actor ended in error or was stopped: its answers, for those who look. */
export interface CutGather {
  readonly childId: string;
  readonly gather: GatherState;
}

export type ActorStatus = 'active' | 'done' | 'error' | 'stopped';

/** The pure part of an actor's state: what turns read and write. Lives inside the session state beside outbox and inbox. */
export interface CoreState {
  readonly status: ActorStatus;
  readonly incarnation: string;
  /** Number of turns applied; each input that is applied is one turn. */
  readonly turn: number;
  /** XState's persisted snapshot (value, context, historyValue, children). */
  readonly snapshot: Json;
  readonly tags: readonly string[];
  readonly output?: Json;
  readonly error?: ErrorJson;
  readonly executions: Readonly<Record<string, Execution>>;
  readonly timers: Readonly<Record<string, Timer>>;
  readonly waiters: readonly ReplyAddress[];
  readonly parent?: ParentLink;
  readonly startedAt: number;
  readonly endedAt?: number;
  /** Of an actor that ended in error or was stopped: gathers that had answers. */
  readonly cut?: readonly CutGather[];
  /** Of the run, as far as they are left to this actor. Absent: none were said. */
  readonly bounds?: Bounds;
  /** Questions to people. Absent until the machine asks one. */
  readonly asks?: AsksState;
}

export interface TurnRequest {
  readonly machine: MachineRef;
  readonly registry: Registry;
  readonly address: ActorAddress;
  readonly state: CoreState | null;
  readonly inputs: readonly TurnInput[];
  /** Epoch ms; the clock of every turn in this batch. */
  readonly now: number;
  /** While the actor is traced: the same by this machine's clock, with µs. */
  readonly tracedAt?: number;
  /** Drawn by the host: the incarnation if an input creates the actor. */
  readonly incarnation: string;
  /** Stop taking inputs once the effects weigh this many bytes of JSON (I12); at least one input is always taken. */
  readonly maxEffectBytes: number;
  /** The batch ends before an internal input at which the machine throws, instead of ending the actor (I7). */
  readonly stopsAtInternal?: true;
  /** Values that a gather of this batch hands out, by the path that the state knows them by. */
  readonly payloads?: Readonly<Record<string, Json>>;
  readonly overflow?: Overflow;
  /** Where the answers lie that a turn of this batch wanted to be stored, by its execution. */
  readonly stowed?: Readonly<Record<string, PayloadRef>>;
}

export interface GatherReport {
  readonly execution: string;
  readonly src: string;
  readonly childId: string;
  /** As it was when it ended. */
  readonly scatter: Execution;
  /** With `failed`: what its machine was told. */
  readonly error?: ErrorJson;
  readonly outcome: GatherOutput['outcome'] | 'failed';
  readonly gather: GatherState;
  /** The machine was given references of its large answers. */
  readonly byReference?: true;
}

/** One applied event: what came in, and what the machine was in afterwards. */
export interface AppliedEvent {
  readonly event: EventJson;
  readonly value: Json;
}

export interface StepReport extends AppliedEvent {
  /** Number of the turn: it may take several events, those that the machine sends itself. */
  readonly turn: number;
}

export interface TurnResult {
  /** Nothing was done: ask again, with these among the `payloads`. */
  readonly needs?: readonly PayloadRef[];
  /** Nothing was done: ask again, with where this is `stowed`. */
  readonly stow?: Stow;
  readonly state: CoreState | null;
  /** In order. `turn` is the number of the turn that asked for it. */
  readonly effects: readonly { readonly turn: number; readonly index: number; readonly effect: Effect }[];
  /** As many as inputs were taken (a prefix of `inputs`). */
  readonly verdicts: readonly Verdict[];
  /** With `stopsAtInternal`: why the input behind the last verdict was not taken. */
  readonly stoppedBy?: ErrorJson;
  /** Gathers that ended in this batch, for the trace. */
  readonly gathers: readonly GatherReport[];
  readonly steps: readonly StepReport[];
  /** `worker_threads.threadId` of the thread that ran it: never 0, the main thread's. */
  readonly threadId: number;
}

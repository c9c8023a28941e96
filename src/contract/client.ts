// The client that another service uses, typed by the machines of a configuration.
import type {
  AnyStateMachine,
  ContextFrom,
  EventFromLogic,
  InputFrom,
  OutputFrom,
  StateValueFrom,
} from 'xstate';
import type { ActorAddress } from './address.ts';
import type { AnswerOptions, AskPage, AsksCall, OpenAsk } from './asks.ts';
import type { RunBounds } from './bounds.ts';
import type { MachineConfig, QuorateConfig } from './config.ts';
import type { OnBehalf } from './control.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { Json } from './json.ts';
import type { SharedLimits } from './limits.ts';
import type { SharedAgents, SharedPrices } from './orders.ts';
import type { ErrorJson } from './outcome.ts';
import type { StreamItem, StreamOptions } from './stream.ts';
import type { DayBudgets } from './tenants.ts';
import type { ActorStatus } from './turn.ts';
import type { Costs } from './usage.ts';
import type { BudgetReport, ChildActor, GatherProgress, QueryAnswer } from './wire.ts';

type Machines<C extends QuorateConfig> = C['machines'];
type MachineType<C extends QuorateConfig> = keyof Machines<C> & string;
type MachineOf<C extends QuorateConfig, T extends MachineType<C>> =
  Machines<C>[T] extends MachineConfig<infer M> ? M : AnyStateMachine;

/** How long a call waits: `signal` ends it with ABORTED, `timeoutMs` (ms) with RESULT_TIMEOUT. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Default 60,000. */
  readonly timeoutMs?: number;
}

/** Of `query`. */
export interface QueryOptions extends CallOptions {
  /** With what has become of each branch of open gathers (`gathers[].branches`). Default false. */
  readonly branches?: boolean;
}

/** What a run may use, with all that it starts (docs/control.md). At least one of the two limits. */
export interface BudgetOptions {
  readonly usd?: number;
  /** Input and output together. */
  readonly tokens?: number;
  /** What becomes of work that there is nothing left for: it waits for `topUp` (default), or fails with BUDGET_EXHAUSTED. */
  readonly onExhausted?: 'wait' | 'fail';
}

/** Of `topUp`: what is added to the budget of a run, and who adds it. */
export interface TopUpOptions extends CallOptions {
  readonly usd?: number;
  readonly tokens?: number;
  /** Who adds it, for the log and for `query`. */
  readonly by?: string;
}

/** Of `start` and `run`. `id` has 1 to 128 characters and is unique within its type; `input` is JSON. */
export interface StartOptions<I> extends CallOptions, OnBehalf, RunBounds {
  readonly id: string;
  readonly input?: I;
  /** Of a root: children share what it has. Throws BUDGET_INVALID. */
  readonly budget?: BudgetOptions;
}

/** Of `send`: a key against repeats, and a start for an actor that is not there. `I` is the input of the machine. */
export interface SendOptions<I> extends Pick<CallOptions, 'signal'> {
  /** Makes repeats of the same send harmless within the duplicate window. */
  readonly key?: string;
  /** Starts the actor with this input if it is not there; one that is there only gets the event. */
  readonly start?: OnBehalf & RunBounds & { readonly input?: I; readonly budget?: BudgetOptions };
}

type TypedQuery<M extends AnyStateMachine> = Omit<QueryAnswer, 'value' | 'context' | 'output'> & {
  readonly value: StateValueFrom<M>;
  readonly context: ContextFrom<M>;
  readonly output?: OutputFrom<M>;
};

/** One step of an actor, as committed. */
export interface Transition<M extends AnyStateMachine = AnyStateMachine> {
  /** Number of the actor's turn, or of the last one of the batch that committed it; a jump shows that steps were missed. */
  readonly turn: number;
  readonly value: StateValueFrom<M>;
  /** What was applied; absent where only the present state is known: at first, and after a gap. */
  readonly event?: EventFromLogic<M> | { readonly type: string };
  /** Anything but 'active' is the last transition. */
  readonly status: ActorStatus;
  readonly output?: OutputFrom<M> | Json;
  readonly error?: ErrorJson;
  /** With `progress`: the gathers that are open after it. */
  readonly gathers?: readonly GatherProgress[];
  /** With `progress`: what it used so far, with all that it started; absent until something of it is known. */
  readonly costs?: Costs;
  /** Questions to people that are open after it; absent where none is. */
  readonly asks?: readonly OpenAsk[];
  /** With `children`: actors that it has started and that have not ended; absent where there are none. */
  readonly children?: readonly ChildActor[];
}

/** Of `watch`: what it tells beside the transitions, and what ends it. */
export interface WatchCallOptions extends Pick<CallOptions, 'signal'> {
  /**
   * Tells how far its gathers are as well: in each transition, and for each batch of answers, whose transition has the same `value` and
   * no `event`.
   */
  readonly progress?: boolean;
  /** Tells which actors it has started: those that have not ended, the latest hundred. */
  readonly children?: boolean;
}

/**
 * Starts actors, sends them events and asks about them. `connect` gives one in any process, `createRuntime` has one as `client`. `C` types
 * it: `connect<typeof config>()`. Every call may throw CONNECTION_FAILED, UNAUTHORIZED, QUOTA_EXCEEDED or, when it was aborted or the
 * client was closed, ABORTED.
 */
export interface QuorateClient<C extends QuorateConfig = QuorateConfig> {
  /** Idempotent for the retention time: a second start of the same id answers 'exists'. */
  start<T extends MachineType<C>>(
    type: T,
    options: StartOptions<InputFrom<MachineOf<C, T>>>,
  ): Promise<{ readonly address: ActorAddress; readonly answer: 'started' | 'exists' }>;
  /**
   * `start` and `result` in one call, and faster, because both leave together. Idempotent like `start`: for an id that was
   * started before with the same input it gives the result of that. Throws START_CONFLICT when the input was another one, and
   * what `start` and `result` throw.
   */
  run<T extends MachineType<C>>(
    type: T,
    options: StartOptions<InputFrom<MachineOf<C, T>>>,
  ): Promise<OutputFrom<MachineOf<C, T>>>;
  /**
   * Resolves once the event is on the broker's disk. An event that finds no actor becomes a dead letter: ACTOR_NOT_FOUND, or
   * ACTOR_ENDED. With `start` an absent actor is started first, in the same turn.
   */
  send<T extends MachineType<C>>(
    type: T,
    id: string,
    event: EventFromLogic<MachineOf<C, T>>,
    options?: SendOptions<InputFrom<MachineOf<C, T>>>,
  ): Promise<void>;
  /** Throws ACTOR_NOT_FOUND. */
  query<T extends MachineType<C>>(
    type: T,
    id: string,
    options?: QueryOptions,
  ): Promise<TypedQuery<MachineOf<C, T>>>;
  /**
   * What the actor used, with all that it started: tokens, calls and money, by agent and model. Also of one that has ended, for the
   * retention time. Throws ACTOR_NOT_FOUND.
   */
  costs(type: MachineType<C>, id: string, options?: CallOptions): Promise<Costs>;
  /**
   * Adds to the budget of a run, and work that waits for it leaves. Throws ACTOR_NOT_FOUND, and BUDGET_INVALID for an actor that was
   * started without a budget or has ended.
   */
  topUp(type: MachineType<C>, id: string, options: TopUpOptions): Promise<BudgetReport>;
  /** Gives the output once the actor is done. Throws the error of the actor, ACTOR_NOT_FOUND or RESULT_TIMEOUT. */
  result<T extends MachineType<C>>(
    type: T,
    id: string,
    options?: CallOptions,
  ): Promise<OutputFrom<MachineOf<C, T>>>;
  /**
   * Gives the state now, then every transition as it is committed, until the actor ends. The context does not travel: `query`
   * it. Throws ACTOR_NOT_FOUND, and QUOTA_EXCEEDED beyond 16 watchers of one actor.
   */
  watch<T extends MachineType<C>>(
    type: T,
    id: string,
    options?: WatchCallOptions,
  ): AsyncGenerator<Transition<MachineOf<C, T>>, void, undefined>;
  /**
   * Gives what agents of the actor stream (`context.stream`), from the beginning or behind an offset: without a turn or a message of the
   * actor, and without loss or repeat. Ends when the actor has ended and everything was given; what has ended is kept for ten minutes.
   * Throws ACTOR_NOT_FOUND when there is no such actor for two seconds.
   */
  stream(
    type: MachineType<C>,
    id: string,
    options?: StreamOptions,
  ): AsyncGenerator<StreamItem, void, undefined>;
  /**
   * Stops the actor and with it its children, tasks and timers; a client that waits for its result gets ACTOR_STOPPED.
   * 'ended' when it had ended by itself. Throws ACTOR_NOT_FOUND.
   */
  cancel(type: MachineType<C>, id: string, options?: CallOptions): Promise<'cancelled' | 'ended'>;
  /**
   * Cancels every run of these types on behalf of a tenant, with all that it has started: actors without a parent. `types` are those of the
   * runtime's configuration unless they are given. Each actor is asked, 32 at a time. Those that are started meanwhile may be missed.
   */
  cancelTenant(tenant: string, options?: CancelTenantCall): Promise<TenantCancelled>;
  /** Questions to people that are open, or the latest that were closed: what `quorate asks ls` shows. */
  asks(options?: AsksCall): Promise<AskPage>;
  /**
   * Answers a question of `asks`, by its id; `type/id` alone is enough where an actor has one open. The first answer counts. Throws
   * ASK_CLOSED for a question that is not open, ANSWER_INVALID for an answer that it does not take, ASK_AMBIGUOUS, ACTOR_NOT_FOUND,
   * ACTOR_ENDED, or RESULT_TIMEOUT, after which the answer may still count.
   */
  answer(id: string, value: Json, options?: AnswerOptions): Promise<void>;
  /** Actors of every type: what `quorate actors` shows and does. */
  readonly actors: Actors;
  /** Limits that processes share: what `quorate limits` shows and does. */
  readonly limits: SharedLimits;
  /** Agents, paused and resumed for all processes: what `quorate agents` shows and does. */
  readonly agents: SharedAgents;
  /** What models cost, changed for all processes: what `quorate prices` shows and does. */
  readonly prices: SharedPrices;
  /** What tenants may use in a day: what `quorate budgets` shows and does. */
  readonly budgets: DayBudgets;
  /** Dead letters of every entity: what `quorate dlq` shows and does. */
  readonly deadLetters: DeadLetters;
  close(): Promise<void>;
}

/** Of `cancelTenant`. */
export interface CancelTenantCall extends CallOptions {
  readonly types?: readonly string[];
}

/** How many actors were cancelled, of how many that were asked. */
export interface TenantCancelled {
  readonly cancelled: number;
  readonly looked: number;
}

// Actors as people handle them: listed, released from quarantine, removed.
/** One page of the ids of a type. */
export interface ActorPage {
  /** Ids of actors that live or are remembered; some of them may have been forgotten just now. */
  readonly ids: readonly string[];
  /** Where the next page begins; absent at the end. */
  readonly next?: number;
}

interface RemedyCall {
  readonly signal?: AbortSignal;
  /** Default 60,000. */
  readonly timeoutMs?: number;
}

/** Actors as people handle them: what `quorate actors` does. A client has it as `client.actors`. */
export interface Actors {
  list(type: string, options?: { readonly from?: number; readonly limit?: number }): Promise<ActorPage>;
  /**
   * Releases a quarantined actor: what waited is applied, in order, before anything newer. Throws ACTOR_NOT_FOUND, and
   * the reason of the quarantine when it is still there.
   */
  release(type: string, id: string, options?: RemedyCall): Promise<void>;
  /** Stops an actor, tells all that wait for it, and forgets it at once: its id is free. Throws ACTOR_NOT_FOUND. */
  purge(type: string, id: string, options?: RemedyCall): Promise<void>;
}

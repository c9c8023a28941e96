// What crosses Service Bus. `subject` names the kind, the body is JSON, and `format` lets a reader refuse what it does not know.

import type { ActorAddress } from './address.ts';
import type { AsksReport, OpenAsk } from './asks.ts';
import type { Priority } from './control.ts';
import type { ReplyAddress } from './effect.ts';
import type { Foresight } from './foresight.ts';
import type { EventJson, Json } from './json.ts';
import { type AuditBody, LETTER_PROPERTY, type MarkBody, type SweepBody } from './letters.ts';
import type { AgentPause } from './orders.ts';
import type { ErrorJson, Outcome } from './outcome.ts';
import type { GatherBranches, Spent } from './scatter.ts';
import type { ActorStatus, AppliedEvent, TurnInput } from './turn.ts';
import type { Costs, Funds } from './usage.ts';

export const WIRE_FORMAT = 1;

/** Application properties of every message of ours. Values are what Service Bus can filter on. */
export const PROPERTY = {
  format: 'quorate-format',
  /** Sender, when an actor: `type/id`, its incarnation, and the effect's place in its life (I4). */
  from: 'quorate-from',
  incarnation: 'quorate-incarnation',
  turn: 'quorate-turn',
  index: 'quorate-index',
  /** Caller's own key for idempotent sends of a client. */
  key: 'quorate-key',
  /** Epoch ms, by the broker's clock, after which nobody waits for this task any more. */
  deadline: 'quorate-deadline',
  /** On a start by `run`: refused where the actor was started with another input. */
  sameInput: 'quorate-same-input',
  /** Milliseconds that somebody waits for the answer to this query, from when the broker took it in. */
  patience: 'quorate-patience',
  /** On a query: numbers of dead letters; what their redrive would come to is the answer. Hosts of former builds answer the query. */
  foresee: 'quorate-foresee',
  /** On a request to watch: how far its gathers are is wanted too. Hosts of former builds do not look at it. */
  progress: 'quorate-progress',
  /** On a request to watch: the actors that it has started are wanted too. Hosts of former builds do not look at it. */
  children: 'quorate-children',
  /** On a request to watch: only its end is wanted, and now its life. Hosts of former builds tell all transitions. */
  ends: 'quorate-ends',
  /** On a query: only which life it is in is wanted. Hosts of former builds answer in full. */
  brief: 'quorate-brief',
  /** On a query to what all processes share: JSON of what is wanted (control/look.ts). Hosts of former builds answer in full. */
  look: 'quorate-look',
  /** On a query: its actor is told to the index of consoles, and nobody is answered. Hosts of former builds answer. */
  announce: 'quorate-announce',
  /** On a query: what has become of each branch of its gathers is wanted too. Hosts of former builds do not look at it. */
  branches: 'quorate-branches',
  attempt: 'quorate-attempt',
  /** Of a task: how often it was put off because the other side asked to wait. Not in its body, which older hosts read strictly. */
  waits: 'quorate-waits',
  /** Of a task: how many of these because of its limit, or because another process runs it. */
  putOffs: 'quorate-put-offs',
  execution: 'quorate-execution',
  branch: 'quorate-branch',
  /** Of a task: the id of the invoke that asked for it, for those who read what its agent streams. */
  child: 'quorate-child',
  agent: 'quorate-agent',
  eventType: 'quorate-event',
  /** Fields of the body, comma-separated, that lie in the payload store: the body has their references. */
  claimed: 'quorate-claimed',
  /** Folder for what belongs to the asker: removed with the actor that the asker descends from. */
  family: 'quorate-family',
  /** On a child and its tasks: marks of everybody who waits for their asker (protocol/lineage.ts). */
  lineage: 'quorate-lineage',
  /** On a start: bounds of its run, as JSON. On the reply of a child's end: tasks of its allotment that it did not ask for. */
  bounds: 'quorate-bounds',
  tasksLeft: 'quorate-tasks-left',
  /** On a start, and on the tasks of what it started: on whose behalf, and how urgent (protocol/behalf.ts). */
  tenant: 'quorate-tenant',
  priority: 'quorate-priority',
  /** `ignore` on a task that is done also when nobody waits for it any more. */
  cancel: 'quorate-cancel',
  /** On a broadcast and the tasks that came of it: what is large in them belongs to all, and none removes it. */
  copy: 'quorate-copy',
  /** On a start: JSON of the budget of the run. On a task: what its asker has reserved for the attempt. */
  budget: 'quorate-budget',
  /** On a task under a budget: how often its host was gone before it was sent again. */
  lost: 'quorate-lost',
  /** On a start: its sender waits for the end within the span of the trace context. */
  within: 'quorate-within',
  /** On a `stop`, while it is traced: when its parent let go of it (epoch ms, with µs). */
  stopped: 'quorate-stopped',
  /** On a task that a person has sent again: the number of its dead letter. It is done also when nobody waits. */
  redriven: 'quorate-redriven',
  /** Signature of the family, by the key of the payload store. */
  familySig: 'quorate-family-sig',
  ...LETTER_PROPERTY,
} as const;

/** Subject of what was used: to older hosts a reply that nobody waits for (protocol/usage.ts). */
export const USAGE = 'usage';

/** Subject of a body of records for the index of consoles (contract/records.ts). */
export const RECORDS = 'records';

/** Records of many commits, packed: base64 of the raw deflate of their JSON array. */
export interface RecordsBody {
  readonly kind: 'records';
  readonly packed: string;
}

/** A message ready to be sent: final, small enough, with its deterministic id (I3). Kept as it is in the outbox. */
export interface WireMessage {
  /** Queue or topic, without the prefix. */
  readonly entity: string;
  readonly messageId: string;
  readonly subject: WireBody['kind'] | typeof USAGE | typeof RECORDS;
  readonly sessionId?: string;
  readonly correlationId?: string;
  readonly replyTo?: string;
  readonly replyToSessionId?: string;
  /** Milliseconds, at least 1: `0` means no TTL to the SDK. */
  readonly timeToLiveMs?: number;
  /** Epoch ms: scheduled enqueue time. */
  readonly notBefore?: number;
  /** W3C trace context; the codec also writes `Diagnostic-Id`. */
  readonly traceparent?: string;
  readonly properties?: Readonly<Record<string, string | number | boolean>>;
  readonly body: Json;
}

/** A task as its agent gets it. */
export interface TaskBody {
  readonly kind: 'task';
  readonly agent: string;
  readonly input: Json;
  /** Idempotency key: the same for every attempt and every redelivery. */
  readonly key: string;
  readonly execution: string;
  readonly branch: number | null;
  /** From 1; a retry is a new message with the next number. */
  readonly attempt: number;
  readonly deadlineAt: number;
  readonly offerTtlMs?: number;
  /** For a machine's own promise logic: the machine type and source to run. */
  readonly logic?: { readonly type: string; readonly src: string };
}

/** To a topic: a task for the agent of each subscription that is named (protocol/broadcast.ts). */
export interface BroadcastBody
  extends Pick<TaskBody, 'input' | 'key' | 'execution' | 'deadlineAt' | 'offerTtlMs'> {
  readonly kind: 'broadcast';
  /** The subscriptions that are branches, in their order. */
  readonly names: readonly string[];
  /** Index of the item. */
  readonly item: number;
}

/** A named action that its session did not wait for, with the context as committed. */
export interface ActionBody {
  readonly kind: 'action';
  /** The same for every attempt. */
  readonly key: string;
  readonly name: string;
  readonly params: Json;
  readonly event: EventJson;
  readonly context: Json;
  /** Version of the machine that the actor ran on. */
  readonly version: string;
  readonly turn: number;
  /** From 1: times that it was begun, this one included. */
  readonly attempt: number;
}

/** An offer on its way to the asker; the broker's TTL ends it. */
export interface OfferBody {
  readonly kind: 'offer';
  readonly execution: string;
  readonly branch: number | null;
  readonly value: Json;
  readonly expiresAt: number;
}

/** A client follows this actor until its lease (ms) is over; the same asker again renews it, 0 ends it. */
export interface WatchBody {
  readonly kind: 'watch';
  readonly asker: ReplyAddress;
  readonly leaseMs: number;
}

/** What a control machine answers to the host of an actor (control.ts). `execution` is as it was asked with, life included. */
export interface GrantedBody {
  readonly kind: 'granted';
  readonly execution: string;
  readonly value: Json;
}

export interface TopUpBody extends Funds {
  readonly kind: 'topUp';
  readonly asker: ReplyAddress;
  readonly by: string;
}

/** What an actor's session takes. `query` is answered without a commit; neither it nor `watch` reaches the machine. */
export type ActorBody =
  | TurnInput
  | { readonly kind: 'query'; readonly asker: ReplyAddress }
  | WatchBody
  | GrantedBody
  /** Adds to its budget; neither it nor what follows from it reaches the machine. */
  | TopUpBody
  /** Releases a quarantined actor: what it parked is applied, in order, before anything newer. */
  | { readonly kind: 'release'; readonly asker: ReplyAddress }
  /** Stops an actor and forgets it at once. */
  | { readonly kind: 'purge'; readonly asker: ReplyAddress };

/** What a client's reply session takes; correlated by the message's correlation id. */
export type AnswerBody =
  | { readonly kind: 'answer'; readonly answer: 'started' | 'exists' | 'released' | 'purged' | 'answered' }
  | { readonly kind: 'answer'; readonly answer: 'outcome'; readonly outcome: Outcome }
  | { readonly kind: 'answer'; readonly answer: 'snapshot'; readonly snapshot: QueryAnswer }
  | { readonly kind: 'answer'; readonly answer: 'budget'; readonly budget: BudgetReport }
  /** To a brief query. */
  | {
      readonly kind: 'answer';
      readonly answer: 'life';
      readonly status: ActorStatus;
      readonly incarnation: string;
    }
  /** One a number, in their order. */
  | { readonly kind: 'answer'; readonly answer: 'foresight'; readonly letters: readonly Foresight[] }
  | TransitionsBody
  | { readonly kind: 'answer'; readonly answer: 'error'; readonly error: ErrorJson };

/** One committed batch as a watcher gets it: its steps in order, and where the actor is after them. */
export interface TransitionsBody {
  readonly kind: 'answer';
  readonly answer: 'transitions';
  readonly incarnation: string;
  readonly turn: number;
  readonly status: ActorStatus;
  readonly value: Json;
  readonly steps: readonly AppliedEvent[];
  readonly output?: Json;
  readonly error?: ErrorJson;
  /** For a watcher that asked for it. */
  readonly gathers?: readonly GatherProgress[];
  /** With them: what it used so far. */
  readonly costs?: Costs;
  /** Questions to people that are open after it; absent where none is. */
  readonly asks?: readonly OpenAsk[];
  /** For a watcher that asked for it: actors that it has started and that have not ended; absent where there are none. */
  readonly children?: readonly ChildActor[];
}

/** An actor that another one has started. */
export interface ChildActor extends ActorAddress {
  /** The id by which its parent knows it: of the invoke, or of the spawn. */
  readonly childId: string;
}

/** An `emit`ted event on the events topic. */
export interface EmittedBody {
  readonly kind: 'emitted';
  readonly actor: string;
  readonly turn: number;
  readonly event: EventJson;
}

export type WireBody =
  | MarkBody
  | SweepBody
  | AuditBody
  | ActorBody
  | TaskBody
  | BroadcastBody
  | ActionBody
  | OfferBody
  | AnswerBody
  | EmittedBody;

/** A message as received. `sequenceNumber` is exact: partitioning stays off, so it fits a JS number. */
export interface InboundMessage {
  readonly messageId: string;
  readonly subject: string;
  readonly body: unknown;
  readonly sessionId?: string;
  readonly correlationId?: string;
  readonly replyTo?: string;
  readonly replyToSessionId?: string;
  readonly traceparent?: string;
  readonly properties: Readonly<Record<string, string | number | boolean>>;
  readonly sequenceNumber: number;
  /** Deliveries before this one: 0 the first time. */
  readonly deliveryCount: number;
  /** Epoch ms, by the broker's clock: when it was taken in, and when it was handed out, as far as its lock says so. */
  readonly enqueuedAt: number;
  readonly deliveredAt?: number;
  readonly timeToLiveMs?: number;
  readonly deadLetterReason?: string;
  readonly deadLetterDescription?: string;
  /** Entity it was dead-lettered from, as the service says it. */
  readonly deadLetterSource?: string;
}

/** Why an actor stands still, since when (epoch ms), and how many messages wait. */
export interface QuarantineInfo {
  readonly code: string;
  readonly message: string;
  readonly since: number;
  readonly held: number;
}

/** A budget as it stands, in micro-USD and tokens. */
export interface BudgetReport {
  /** What is absent is not limited. */
  readonly limit: { readonly microUsd?: number; readonly tokens?: number };
  readonly spent: Funds;
  /** For attempts that are under way. */
  readonly reserved: Funds;
  readonly onExhausted: 'wait' | 'fail';
  /** Tasks that have not left for want of it, and since when (epoch ms). */
  readonly waiting: number;
  readonly waitingSince?: number;
  readonly topUps: readonly (Funds & { readonly at: number; readonly by: string })[];
  /** Of a run that draws from the budget of its tenant: `limit` is what it has drawn, `most` its own bound. */
  readonly tenant?: string;
  readonly most?: { readonly microUsd?: number; readonly tokens?: number };
}

/** What a query gets: the committed snapshot as XState shows it, and how far each gather is. */
export interface QueryAnswer {
  readonly status: 'active' | 'done' | 'error' | 'stopped';
  readonly value: Json;
  readonly context: Json;
  readonly tags: readonly string[];
  readonly output?: Json;
  readonly error?: ErrorJson;
  readonly turn: number;
  /** Version of the machine that wrote the state. */
  readonly version: string;
  /** Who started it, where that was an actor. */
  readonly parent?: ActorAddress;
  /** On whose behalf it runs, and how urgently; absent where nobody said so. */
  readonly tenant?: string;
  readonly priority?: Priority;
  readonly quarantine?: QuarantineInfo;
  /** Tasks that have not left: those of `gathers`, and single ones that a lane or a budget holds back. Absent: none. */
  readonly unsent?: number;
  /** Agents that it waits for and that people have paused, as its host has heard. Absent: none. */
  readonly paused?: Readonly<Record<string, AgentPause>>;
  /** What it used, with all that it started; absent until something of it is known. */
  readonly costs?: Costs;
  /** Of a run that was started with one. */
  readonly budget?: BudgetReport;
  /** Questions to people that are open, and the latest that are not any more; absent until it has asked one. */
  readonly asks?: AsksReport;
  /** Actors that it has started and that have not ended; absent where there are none. */
  readonly children?: readonly ChildActor[];
  /** Those that are open; of an actor that ended in error or was stopped, those that had answers then. */
  readonly gathers: readonly GatherProgress[];
}

/** How far a gather is. total = answered + open, and answered = good + failed + invalid. */
export interface GatherProgress {
  /** The id of its invoke. */
  readonly childId: string;
  readonly total: number;
  readonly answered: number;
  readonly good: number;
  /** The same as `good`, by its former name. */
  readonly ok: number;
  readonly failed: number;
  /** Answers that the policy's `valid` did not say yes to. */
  readonly invalid: number;
  readonly open: number;
  /** Of the open ones, those that have not left their asker: there are more than leave at once, or a lane or a budget holds them back. */
  readonly unsent?: number;
  /** Answers of branches that had answered already. */
  readonly duplicates: number;
  /** Epoch ms. */
  readonly startedAt: number;
  /** What its branches used so far; absent until one has told. */
  readonly spent?: Spent;
  /** What has become of each branch, where a query asks for it. */
  readonly branches?: GatherBranches;
  /** The open branch that was sent first, and how long ago its gather began in ms; absent where none is under way. */
  readonly slowest?: { readonly branch: number; readonly agent: string; readonly ms: number };
  /**
   * Of a gather that was cut by the end of its actor, with collect 'values': its answers in branch order, `{ branch, agent, value }`, with
   * the reference of a stored value where that is large, and `valid: false` where the policy said no.
   */
  readonly answers?: readonly Json[];
}

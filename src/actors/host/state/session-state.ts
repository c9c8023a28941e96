// What one session state holds (I2): the pure core beside outbox, inbox, dispositions, timers' numbers, attempts and trace.
import type { OnBehalf } from '../../../contract/control.ts';
import type { ReplyAddress } from '../../../contract/effect.ts';
import type { EventJson, Json } from '../../../contract/json.ts';
import type { PayloadRef } from '../../../contract/payload.ts';
import type { Disposition } from '../../../contract/ports.ts';
import type { NamedPolicy } from '../../../contract/scatter.ts';
import type { Carried } from '../../../contract/trace.ts';
import type { CoreState } from '../../../contract/turn.ts';
import type { CostRow, Funds, FundsAsk } from '../../../contract/usage.ts';
import type { WireMessage } from '../../../contract/wire.ts';
import type { DayLimit } from '../../../control/tenant/protocol.ts';
import type { Ledger, Limit } from '../budget/ledger.ts';
import type { Peer } from '../sort/peers.ts';

/** Hosts that know only earlier ones leave such an actor alone (I14). 1 and 2 are read as well (written-state.ts). */
export const STATE_FORMAT = 3;
/** With `control`: a host that would drop the field leaves such an actor alone as well. */
export const CONTROL_FORMAT = 4;
/** As written. The Standard tier takes 256 KB. What is larger is put into the payload store (claim-state.ts). */
export const MAX_STATE_BYTES = 200_000;

/**
 * What always lies in the session, whatever becomes of the payload store, and how much of it there is at most. All of it
 * together stays below MAX_STATE_BYTES as written; a test fills each to its bound at once. What may grow with use (core,
 * outbox, numbers of scheduled messages, watchers, peers that have been silent for a while) goes to the payload store.
 */
export const BOUNDS = {
  /** Dispositions. In hand at once are SESSION_WINDOW active messages, the deferred pieces, and a slice of a release. */
  unsettled: 512,
  /** Reasons and descriptions in them, and what a quarantine says: bytes, cut alike where they are more. */
  textBytes: 36_000,
  /** Recent peers; the others lie in the payload store (peers.ts). */
  peers: 256,
  /** Callers' keys, as hashes: the broker's duplicate detection knows the rest of the window. */
  keys: 256,
  /** Early pieces of answers. What comes beyond is dead-lettered. */
  deferred: 256,
  /** Messages whose attempts are counted. */
  attempts: 512,
  /** Messages that a quarantine parks, and bytes of their numbers as written. What comes beyond is dead-lettered. */
  parked: 8_000,
  parkedBytes: 48_000,
  /** Each costs a message a batch. */
  watchers: 16,
  /** Waiting clients in the outline of a claimed core; an outline that does not fit is left out. */
  outlinedWaiters: 32,
  /** Characters of the folder of the family. */
  pathLength: 512,
} as const;

/**
 * A fan-out: tasks [cursor, total) are still to be sent. In an outbox it is expanded at once; what is too large for that is unsent,
 * and its outbox has a slice of it.
 */
export interface ScatterEntry {
  readonly kind: 'scatter';
  readonly execution: string;
  readonly agents: readonly string[];
  /** `agents` are subscriptions of it. */
  readonly topic?: string;
  readonly items: readonly Json[] | PayloadRef;
  readonly shared?: Json;
  readonly total: number;
  readonly cursor: number;
  readonly deadlineAt: number;
  readonly offerTtlMs?: number;
  readonly cancel?: 'ignore';
  /** Id of its invoke. */
  readonly child?: string;
  /** As former builds know it. */
  readonly policy?: NamedPolicy['kind'];
  /** Of one that a gate holds back: what leaves of it has so long from then on. */
  readonly deadlineMs?: number;
  /** Under a budget: what an attempt at a branch uses at most. */
  readonly each?: Funds;
}

/** A single task that a gate holds back; its message gets its deadline when it leaves. */
export interface TaskEntry {
  readonly kind: 'task';
  readonly execution: string;
  /** Its one agent. */
  readonly agents: readonly string[];
  readonly message: WireMessage;
  readonly deadlineMs: number;
  readonly cursor: 0;
  readonly total: 1;
  readonly cancel?: 'ignore';
}

export type UnsentEntry = ScatterEntry | TaskEntry;

/** Tasks that have not left. */
export function countUnsent(unsent: readonly UnsentEntry[] = []): number {
  return unsent.reduce((sum, { cursor, total }) => sum + total - cursor, 0);
}

/** Tasks [from, to) of a fan-out that is unsent otherwise: they leave with this commit. */
export interface SliceEntry {
  readonly kind: 'slice';
  readonly execution: string;
  readonly from: number;
  readonly to: number;
  /** Of these tasks, where it began as they left. */
  readonly deadlineAt?: number;
}

export type OutboxEntry =
  | { readonly kind: 'message'; readonly message: WireMessage; readonly timer?: string }
  | ScatterEntry
  | SliceEntry
  | {
      readonly kind: 'action';
      readonly name: string;
      readonly params: Json;
      readonly event: EventJson;
      /** Absent in states of former builds. */
      readonly key?: string;
    }
  /** Nobody waits for this work any more: its marks are stored before anything else leaves (protocol/lineage.ts). */
  | { readonly kind: 'close'; readonly marks: readonly string[]; readonly until: number }
  /**
   * Takes back a timer, by its number if that is known, or the retries of an execution. Without a token: of an earlier
   * release.
   */
  | {
      readonly kind: 'cancel';
      readonly entity: string;
      readonly token?: string;
      readonly sequenceNumber?: number;
      readonly execution?: string;
    };

export interface Inbox {
  /** Applied, not yet known to be settled: sequence number and what is to become of the message (I4, I5). */
  readonly unsettled: readonly (readonly [sequenceNumber: number, disposition: Disposition])[];
  /** Last effect applied per peer incarnation, of those that were heard lately. */
  readonly peers: readonly Peer[];
  /** Where the others lie. */
  readonly olderPeers?: PayloadRef;
  /** Callers' own keys, hashed, and when they came (epoch ms), for one duplicate window. */
  readonly keys: readonly (readonly [key: string, at: number])[];
}

/** Who is told of every batch, and until when (epoch ms). */
export interface Watcher {
  readonly to: ReplyAddress;
  readonly until: number;
  /** Told of each batch of answers as well. */
  readonly progress?: true;
  /** Told of its end alone. */
  readonly ends?: true;
  /** Told of the actors that it has started. */
  readonly children?: true;
}

/** The actor stands still until somebody releases it; its messages are deferred, by number, in order. */
export interface Quarantine {
  readonly code: string;
  readonly message: string;
  readonly since: number;
  /** `held` as written. */
  readonly parked: readonly number[];
  /** The parked messages are being applied. */
  readonly releasing?: true;
  /** The outbox holds what its target does not take (undelivered.ts). `shown` = people are told of it. */
  readonly undelivered?: {
    readonly since: number;
    readonly tries: number;
    readonly forGood?: true;
    readonly shown?: true;
  };
}

/** It only waits for a target that may be back in a moment: nobody is shown that. */
export function isSilent({ undelivered }: Quarantine): boolean {
  return undelivered !== undefined && undelivered.shown !== true;
}

/** What control over paid work keeps of an actor (docs/control.md): absent, and not paid for, until something of it is used. */
export interface ControlState extends OnBehalf {
  readonly costs?: BookedCosts;
  readonly budget?: BudgetState;
  /** What has not left (unsent/unsent.ts). A fan-out that has left as a whole stays for the slice in the outbox of the same state. */
  readonly unsent?: readonly UnsentEntry[];
  /** Of agents with a lane: what it has asked for, and got (unsent/lane-gate.ts). */
  readonly lanes?: Readonly<Record<string, LaneAsking>>;
  /** The messages to itself by which it continues with them: number of the last, and whether it is on its way. */
  readonly more?: { readonly n: number; readonly underWay: boolean };
  /** It began a scatter that former builds cannot send, or not decide. */
  readonly gathers?: true;
  /** Its run has bounds: the core keeps them. */
  readonly bounded?: true;
  /** It has asked people: the core keeps the questions. */
  readonly asks?: true;
}

/** Tasks for one agent, over the whole life of the actor. */
export interface LaneAsking {
  /** Of the last time that it asked, and when that was (epoch ms). */
  readonly seq: number;
  readonly askedAt: number;
  /** Tasks that it has sent, those that it may have sent, and those that it had when it asked. */
  readonly left: number;
  readonly granted: number;
  readonly demand: number;
  /** Since when some of them wait. */
  readonly since: number;
  /** Grants that go by an earlier asking count no more: it gave back what it did not need. */
  readonly from: number;
}

/** What it may use (budget/budget.ts). */
export interface BudgetState {
  readonly ledger: Ledger;
  readonly onExhausted: 'wait' | 'fail';
  /** Since when something waits for it (epoch ms). */
  readonly since?: number;
  /** The machine was told that little is left. */
  readonly isLow?: true;
  /** Timers that were set for it: each has a number. */
  readonly timers: number;
  /** What was added later, the last of it. */
  readonly topUps: readonly TopUp[];
  /** Children that need more, by execution. */
  readonly asks?: Readonly<Record<string, FundsAsk>>;
  /** What it asked its parent or its tenant for last. */
  readonly asked?: Asked;
  /** Of a run whose tenant has a budget: its limit is what it has drawn of that. */
  readonly draws?: TenantDraws;
}

export interface Asked {
  /** The number of it. */
  readonly seq: number;
  /** It waits for the answer. */
  readonly isOpen: boolean;
  readonly isRefused: boolean;
  /** Of a draw: when it was said last (epoch ms), and how often it was said again. Absent in states of former builds. */
  readonly at?: number;
  readonly repeats?: number;
}

export interface TenantDraws {
  readonly tenant: string;
  /** Of the tenant, for a day. */
  readonly limit: DayLimit;
  /** The run's own budget, of what the tenant limits: it draws no more. */
  readonly most: Limit;
  /** Given back in all. */
  readonly back: Funds;
}

export interface TopUp {
  /** Epoch ms. */
  readonly at: number;
  /** Who added it, as they say it. */
  readonly by: string;
  readonly microUsd: number;
  readonly tokens: number;
}

/** What it used, with all that it started (commit/book.ts). */
export interface BookedCosts {
  readonly rows: readonly CostRow[];
  /** When the last of what it let go of can still cost something, as far as is known (epoch ms). */
  readonly until: number;
  /** Commits that added something: each is told to the parent once. */
  readonly batches: number;
}

/** What the session keeps of a core that lies in the payload store: enough to end the actor without it. */
export interface Outline extends Pick<CoreState, 'incarnation' | 'turn' | 'startedAt' | 'parent'> {
  /** The last of those who wait; at most BOUNDS.outlinedWaiters. */
  readonly waiters: CoreState['waiters'];
  /** It has questions open. */
  readonly asks?: true;
}

/** Where an actor's spans begin, and in whose trace they lie. */
export interface Traced {
  /** When the batch began that started it, by that machine's clock (epoch ms, with µs). */
  readonly from: number;
  /** Somebody waits for it within `traceparent`: it is a part of that trace. Otherwise it is the root of its own. */
  readonly within?: true;
  /** W3C baggage and tracestate that its start came with: all that it asks for has them too. */
  readonly carried?: Carried;
}

export interface SessionState {
  readonly format: typeof STATE_FORMAT;
  readonly type: string;
  readonly version: string;
  /** null while only attempts at a first start are counted, and as written when they are claimed. */
  readonly core: CoreState | null;
  readonly outbox: readonly OutboxEntry[];
  readonly inbox: Inbox;
  /** Early partials waiting in the broker: `execution/branch/seq` -> sequence number. */
  readonly deferred: Readonly<Record<string, number>>;
  /** Timer token -> sequence number of its scheduled message, as far as known. */
  readonly scheduled: Readonly<Record<string, number>>;
  /** Sequence number -> attempts begun (I7). */
  readonly attempts: Readonly<Record<string, number>>;
  readonly quarantine?: Quarantine;
  /** The turn that a migration was, if something left by it. */
  readonly movedAt?: number;
  /** Absent until somebody watches. */
  readonly watchers?: readonly Watcher[];
  /** Replies and events dropped because nothing waits for them any more (I9), and repeats. */
  readonly dropped: number;
  /** Where core, outbox, scheduled, watchers and control lie, in a state as it is written, and in one that could not be read. */
  readonly claim?: PayloadRef;
  /** With `claim`: what the end of the actor needs should its core never be read again. */
  readonly outline?: Outline;
  /** Folder of the actor that this one descends from: what its agents store lives as long. Absent: its own. */
  readonly family?: string;
  /** For a child: marks of those who wait for it (protocol/lineage.ts). Hosts that do not know the field keep it. */
  readonly lineage?: string;
  /** Sequence number of the message that started this life: which of two lives is the newer one. Absent in those of older hosts. */
  readonly born?: number;
  /** Commits that the index of consoles was told of. Absent until one was; hosts that do not know the field keep it. */
  readonly revision?: number;
  /** Trace context of the start: what every span of this actor hangs under. */
  readonly traceparent?: string;
  /** How it is traced; absent where nobody traces, and in states of older hosts. */
  readonly traced?: Traced;
  /** Written with a format of its own. Lies in the payload store with a core that is large. */
  readonly control?: ControlState;
  /** What it was started with, where a client started it (ids.ts inputId); absent in states of older hosts. */
  readonly input?: string;
}

export const EMPTY_INBOX: Inbox = { unsettled: [], peers: [], keys: [] };

export function emptyState(type: string, version: string): SessionState {
  return {
    format: STATE_FORMAT,
    type,
    version,
    core: null,
    outbox: [],
    inbox: EMPTY_INBOX,
    deferred: {},
    scheduled: {},
    attempts: {},
    dropped: 0,
  };
}

export function stateBytes(state: object): number {
  return Buffer.byteLength(JSON.stringify(state));
}

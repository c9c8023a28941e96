// What one session state holds (I2): the pure core beside outbox, inbox, dispositions, timers' numbers, attempts and trace.
import { z } from 'zod';
import type { ReplyAddress } from '../../contract/effect.ts';
import type { EventJson, Json } from '../../contract/json.ts';
import type { PayloadRef } from '../../contract/payload.ts';
import type { Disposition } from '../../contract/ports.ts';
import type { GatherPolicy } from '../../contract/scatter.ts';
import type { CoreState } from '../../contract/turn.ts';
import type { WireMessage } from '../../contract/wire.ts';

export const STATE_FORMAT = 1;
/** Core and outbox lie in the payload store: hosts that do not know of that leave such an actor alone (I14). */
export const CLAIMED_FORMAT = 2;
/** Standard tier: 256 KB. The rest is room for what one more commit adds. */
export const MAX_STATE_BYTES = 256 * 1024 - 4 * 1024;

/** A fan-out waiting to be expanded: tasks [cursor, total) are still to be sent. */
export interface ScatterEntry {
  readonly kind: 'scatter';
  readonly execution: string;
  readonly agents: readonly string[];
  readonly items: readonly Json[] | PayloadRef;
  readonly shared?: Json;
  readonly total: number;
  readonly cursor: number;
  readonly deadlineAt: number;
  readonly offerTtlMs?: number;
  readonly policy: GatherPolicy['kind'];
}

export type OutboxEntry =
  | { readonly kind: 'message'; readonly message: WireMessage; readonly timer?: string }
  | ScatterEntry
  | { readonly kind: 'action'; readonly name: string; readonly params: Json; readonly event: EventJson }
  /** Of a timer: by its number, as far as known. One without a token is of an earlier release. */
  | {
      readonly kind: 'cancel';
      readonly entity: string;
      readonly token?: string;
      readonly sequenceNumber?: number;
    };

export interface Inbox {
  /** Applied, not yet known to be settled: sequence number and what is to become of the message (I4, I5). */
  readonly unsettled: readonly (readonly [sequenceNumber: number, disposition: Disposition])[];
  /** Last effect applied per peer incarnation: `type/id#incarnation` -> [turn, index]. Bounded, oldest out. */
  readonly peers: readonly (readonly [peer: string, turn: number, index: number])[];
  /** Callers' own keys and when they came (epoch ms), for one duplicate window. */
  readonly keys: readonly (readonly [key: string, at: number])[];
}

/** Who is told of every batch, and until when (epoch ms). */
export interface Watcher {
  readonly to: ReplyAddress;
  readonly until: number;
}

/** The actor stands still until somebody lets it go on; its messages are deferred, by number, in order. */
export interface Quarantine {
  readonly code: string;
  readonly message: string;
  readonly since: number;
  readonly held: readonly number[];
  /** What was held is being applied. */
  readonly releasing?: true;
}

export interface SessionState {
  readonly format: typeof STATE_FORMAT | typeof CLAIMED_FORMAT;
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
  /** Absent until somebody watches. */
  readonly watchers?: readonly Watcher[];
  /** Replies and events dropped because nothing waits for them any more (I9), and repeats. */
  readonly dropped: number;
  /** Where core and outbox lie, in a state as it is written. */
  readonly claim?: PayloadRef;
  /** Folder of the actor that this one descends from: what its agents store lives as long. Absent: its own. */
  readonly family?: string;
  /** Trace context of the start: what every span of this actor hangs under. */
  readonly traceparent?: string;
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

// Only the frame is checked here: it decides whether this build may touch the state at all (I14).
const frame = z.looseObject({ format: z.number().int(), type: z.string(), version: z.string() });

export type DecodedState =
  | { readonly kind: 'none' }
  | { readonly kind: 'state'; readonly state: SessionState }
  | { readonly kind: 'foreign'; readonly why: string };

export function decodeState(
  raw: unknown,
  ownVersion: string,
  isRegistered: (version: string) => boolean = () => false,
): DecodedState {
  if (raw === null || raw === undefined) return { kind: 'none' };
  const parsed = frame.safeParse(raw);
  if (!parsed.success) return { kind: 'foreign', why: 'the session state was not written by Quorate' };
  if (parsed.data.format !== STATE_FORMAT && parsed.data.format !== CLAIMED_FORMAT) {
    return { kind: 'foreign', why: `state format ${parsed.data.format}, this build reads ${CLAIMED_FORMAT}` };
  }
  const { version } = parsed.data;
  if (isNewer(version, ownVersion) && !isRegistered(version)) {
    return { kind: 'foreign', why: `written by machine version ${version}, this host runs ${ownVersion}` };
  }
  return { kind: 'state', state: raw as SessionState };
}

const NUMBERED = /^\d+(\.\d+)*$/;
const byNumber = new Intl.Collator('en', { numeric: true });

/** Only dotted numbers have an order; of two hashes nobody can say which is newer. */
function isNewer(version: string, own: string): boolean {
  return NUMBERED.test(version) && NUMBERED.test(own) && byNumber.compare(version, own) > 0;
}

export function stateBytes(state: SessionState): number {
  return Buffer.byteLength(JSON.stringify(state));
}

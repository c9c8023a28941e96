// What processes and a limiter say to each other. Amounts of time are durations and never instants: clocks of machines differ.
import type { ReplyAddress } from '../../contract/effect.ts';
import { type EventJson, isJsonObject } from '../../contract/json.ts';

/** What is allowed. What is absent is not limited. */
export interface LimitSettings {
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  readonly concurrent?: number;
}

export interface Amount {
  readonly requests: number;
  readonly tokens: number;
}

/** What became of calls since the last ask. */
export interface Seen {
  readonly good: number;
  /** How long those took together, ms. */
  readonly goodMs: number;
  readonly throttled: number;
  /** How long the other side asked to wait, ms from now; the longest. */
  readonly waitMs?: number;
  /** They could not serve: overloaded, transient, unknown. */
  readonly failed: number;
  /** Nothing on that account works until a person acts. */
  readonly account?: number;
}

/** One at a time and process, repeated under its number until it is answered. */
export interface Ask {
  readonly type: 'ask';
  readonly process: string;
  readonly seq: number;
  readonly from: ReplyAddress;
  /** As the process is configured; the highest revision counts. */
  readonly settings: LimitSettings;
  readonly revision: number;
  /** When the process began, epoch ms: of two with one revision the later one counts. Absent from former builds. */
  readonly begunAt?: number;
  /** Of a process that was silent for so long nothing runs any more. */
  readonly silenceMs: number;
  /** 0 requests: it only reports. */
  readonly want: Amount;
  /** Tokens of the call that waits first. */
  readonly least: number;
  /** What is left of its last lease. */
  readonly back: Amount;
  /** Tokens that were used beyond what was reserved. */
  readonly debt: number;
  readonly running: number;
  readonly seen?: Seen;
}

/** A lease: it lasts `ttlMs` from when its ask was first sent, by the asker's own clock. */
export interface Grant extends Amount {
  readonly seq: number;
  /** Calls of this process at once while the lease lasts; absent where there is no bound. */
  readonly permits?: number;
  readonly ttlMs: number;
  /** When it is worth asking again, where it got nothing. */
  readonly waitMs: number;
  /** Nobody begins anything for so long. */
  readonly pausedMs: number;
  /** Because calls fail: the breaker is open. */
  readonly open?: true;
  readonly settings: LimitSettings;
  readonly revision: number;
}

/** Told unasked. */
export interface Push {
  readonly push: true;
  readonly pausedMs?: number;
  readonly open?: true;
  /** There is room again for who waits. */
  readonly again?: true;
}

/** What a person orders, or asks to see where there is nothing else. A repeat has the same id. */
export interface Order {
  readonly type: 'order';
  readonly id: string;
  readonly from: ReplyAddress;
  /** In the place of those of the same name. */
  readonly settings?: LimitSettings;
  /** Nothing begins until it is ordered otherwise. */
  readonly stop?: boolean;
}

const isNumber = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0;

/** Undefined for what no process of ours has sent. */
export function readAsk(event: EventJson): Ask | undefined {
  const { type, process, seq, from, settings, revision, silenceMs, want, least, back, debt, running } =
    event as unknown as Partial<Ask>;
  const { begunAt = 0, seen } = event as unknown as Partial<Ask>;
  const isAsk =
    type === 'ask' &&
    typeof process === 'string' &&
    process.length <= 128 &&
    isAddress(from) &&
    [seq, revision, begunAt, silenceMs, least, debt, running].every(isNumber) &&
    isAmount(want) &&
    isAmount(back) &&
    isSettings(settings) &&
    (seen === undefined || isSeen(seen));
  return isAsk ? (event as unknown as Ask) : undefined;
}

export function readOrder(event: EventJson): Order | undefined {
  const { type, id, from, settings, stop } = event as unknown as Partial<Order>;
  const isOrder =
    type === 'order' &&
    typeof id === 'string' &&
    id.length <= LONGEST &&
    isAddress(from) &&
    (settings === undefined || isSettings(settings)) &&
    (stop === undefined || typeof stop === 'boolean');
  return isOrder ? (event as unknown as Order) : undefined;
}

function isAmount(value: Amount | undefined): boolean {
  return isJsonObject(value) && isNumber(value.requests) && isNumber(value.tokens);
}

function isSeen({ good, goodMs, throttled, failed, waitMs = 0, account = 0 }: Seen): boolean {
  return [good, goodMs, throttled, failed, waitMs, account].every(isNumber);
}

function isSettings(value: unknown): value is LimitSettings {
  if (!isJsonObject(value)) return false;
  return Object.entries(value).every(
    ([name, amount]) =>
      ['requestsPerMinute', 'tokensPerMinute', 'concurrent'].includes(name) && isNumber(amount) && amount > 0,
  );
}

const LONGEST = 128;

/** An answer that no queue takes would hold the limiter up for ever. */
function isAddress(value: unknown): value is ReplyAddress {
  if (!isJsonObject(value)) return false;
  const { entity, sessionId, correlationId } = value;
  return (
    typeof entity === 'string' &&
    /^(replies|actor\..{1,240})$/.test(entity) &&
    typeof sessionId === 'string' &&
    sessionId !== '' &&
    sessionId.length <= LONGEST &&
    typeof correlationId === 'string' &&
    correlationId.length <= LONGEST
  );
}

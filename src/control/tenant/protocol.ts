// What runs and the budget of their tenant say to each other. A run draws in blocks and gives back what it has not used; both have
// numbers, so what comes twice counts once.
import type { ReplyAddress } from '../../contract/effect.ts';
import type { EventJson } from '../../contract/json.ts';
import type { Funds } from '../../contract/usage.ts';

/** What a tenant may use in a day. What is absent is not limited. */
export interface DayLimit {
  readonly microUsd?: number;
  readonly tokens?: number;
  /** Of the configuration that says so; default 0. The highest counts. */
  readonly revision?: number;
}

export interface Draw {
  readonly type: 'draw';
  /** The session of the run, with its life: who it is. */
  readonly to: ReplyAddress;
  /** From 1, of its draws. */
  readonly seq: number;
  /** With less nothing can begin. */
  readonly least: Funds;
  readonly wish: Funds;
  /** As the process of the run is configured. */
  readonly limit: DayLimit;
  /** It does not wait: it is refused where there is too little. */
  readonly isFinal: boolean;
}

export interface GiveBack {
  readonly type: 'giveBack';
  readonly to: ReplyAddress;
  /** All that the run has given back in its life. */
  readonly sum: Funds;
}

/** Of people: another limit for each day from now on, or none to look only. */
export interface DayOrder {
  readonly type: 'order';
  /** A repeat is known by it. */
  readonly id: string;
  readonly from: ReplyAddress;
  readonly limit?: DayLimit;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const isText = (value: unknown): boolean =>
  typeof value === 'string' && value.length > 0 && value.length <= 128;

function isFunds(value: unknown): value is Funds {
  const { microUsd, tokens } = (value ?? {}) as Partial<Funds>;
  return isCount(microUsd) && isCount(tokens);
}

function isLimit(value: unknown): value is DayLimit {
  if (typeof value !== 'object' || value === null) return false;
  const { microUsd, tokens, revision } = value as DayLimit;
  return [microUsd, tokens, revision].every((of) => of === undefined || isCount(of));
}

/** An answer that no queue takes would hold up the tenant: only sessions of actors draw. */
function isSession(value: unknown): value is ReplyAddress {
  const { entity, sessionId, correlationId } = (value ?? {}) as Partial<ReplyAddress>;
  return isText(entity) && String(entity).startsWith('actor.') && isText(sessionId) && isText(correlationId);
}

/** Undefined for what no host of ours has sent. */
export function readDraw(event: EventJson): Draw | undefined {
  const draw = event as unknown as Partial<Draw>;
  const { type, to, seq, least, wish, limit, isFinal } = draw;
  const isDraw =
    type === 'draw' &&
    isSession(to) &&
    isCount(seq) &&
    isFunds(least) &&
    isFunds(wish) &&
    isLimit(limit) &&
    typeof isFinal === 'boolean';
  return isDraw ? (draw as Draw) : undefined;
}

/** As `readDraw`. */
export function readGiveBack(event: EventJson): GiveBack | undefined {
  const { type, to, sum } = event as unknown as Partial<GiveBack>;
  return type === 'giveBack' && isSession(to) && isFunds(sum) ? { type, to, sum } : undefined;
}

/** As `readDraw`. */
export function readDayOrder(event: EventJson): DayOrder | undefined {
  const order = event as unknown as Partial<DayOrder>;
  const { type, id, from, limit } = order;
  const { entity, sessionId, correlationId } = (from ?? {}) as Partial<ReplyAddress>;
  const isOrder =
    type === 'order' &&
    isText(id) &&
    entity === 'replies' &&
    isText(sessionId) &&
    isText(correlationId) &&
    (limit === undefined || isLimit(limit));
  return isOrder ? (order as DayOrder) : undefined;
}

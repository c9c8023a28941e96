// What actors tell the list of their type's questions, and what clients ask it. An actor tells all that it has open, with the number of
// its turn: what comes twice, or is overtaken, changes nothing.
import type { ActorAddress } from '../../contract/address.ts';
import { type ClosedQuestion, MOST_IN_A_PAGE, type Question } from '../../contract/asks.ts';
import type { ReplyAddress } from '../../contract/effect.ts';
import type { EventJson } from '../../contract/json.ts';

/** A question as the list keeps it. `isCut`: it is longer, and what else belongs to it is with its actor. */
export type Row = Question & { readonly isCut?: true };

/** As JSON. What is longer is cut. */
const ROW_BYTES = 2_000;
const CUT_LENGTH = 200;

export function toRow(question: Question): Row {
  return JSON.stringify(question).length <= ROW_BYTES ? question : cutRow(question);
}

export function cutRow({ choices: _c, schema: _s, default: _d, ...rest }: Row): Row {
  const cut = (text: string): string => text.slice(0, CUT_LENGTH).toWellFormed();
  return { ...rest, state: cut(rest.state), question: cut(rest.question), isCut: true };
}

const SHARD_LENGTH = 120;

/** Name of the list that questions of a type are in: its session has room for so much. */
export function shardOf(type: string): string {
  return type.slice(0, SHARD_LENGTH);
}

export interface TellAsks {
  readonly type: 'tell';
  /** The actor, and which of its lives. */
  readonly actor: ActorAddress;
  readonly life: string;
  readonly turn: number;
  /** All that is open after that turn. */
  readonly open: Readonly<Record<string, Row>>;
  /** What that turn closed. */
  readonly closed: readonly ClosedQuestion[];
  /** The agent that is told of new ones, as the actor's process is configured. */
  readonly notify?: string;
}

/** Of clients: a page of what is open, the oldest first, or of what was closed, the latest first. */
export interface ListAsks {
  readonly type: 'order';
  readonly id: string;
  readonly from: ReplyAddress;
  readonly list: 'open' | 'closed';
  /** Where the page before ended. */
  readonly after?: string;
  readonly limit: number;
}

const isText = (value: unknown, most = 128): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= most;
const isNumber = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

function isRow(value: unknown): value is Row {
  const { state, question, event, openedAt, deadlineAt } = (value ?? {}) as Partial<Question>;
  return (
    typeof state === 'string' &&
    typeof question === 'string' &&
    typeof event === 'string' &&
    isNumber(openedAt) &&
    (deadlineAt === undefined || isNumber(deadlineAt))
  );
}

function isClosed(value: unknown): value is ClosedQuestion {
  const { ask, how, at, question } = (value ?? {}) as Partial<ClosedQuestion>;
  return isText(ask) && isText(how) && isNumber(at) && typeof question === 'string';
}

/** Undefined for what no host of ours has sent. */
export function readTell(event: EventJson): TellAsks | undefined {
  const { type, actor, life, turn, open, closed, notify } = event as unknown as Partial<TellAsks>;
  const { type: machine, id } = (actor ?? {}) as Partial<ActorAddress>;
  const isTell =
    type === 'tell' &&
    isText(machine, 260) &&
    isText(id) &&
    isText(life) &&
    isNumber(turn) &&
    typeof open === 'object' &&
    open !== null &&
    Object.entries(open).every(([ask, question]) => isText(ask) && isRow(question)) &&
    Array.isArray(closed) &&
    closed.every(isClosed) &&
    (notify === undefined || isText(notify));
  if (!isTell) return undefined;
  const told = notify === undefined ? {} : { notify };
  return { type, actor: { type: machine, id }, life, turn, open, closed, ...told };
}

/** As `readTell`. */
export function readList(event: EventJson): ListAsks | undefined {
  const { type, id, from, list, after, limit } = event as unknown as Partial<ListAsks>;
  const { entity, sessionId, correlationId } = (from ?? {}) as Partial<ReplyAddress>;
  const isList =
    type === 'order' &&
    isText(id) &&
    entity === 'replies' &&
    isText(sessionId) &&
    isText(correlationId) &&
    (list === 'open' || list === 'closed') &&
    (after === undefined || isText(after, 1_000)) &&
    isNumber(limit) &&
    limit > 0;
  if (!isList) return undefined;
  const to = { entity, sessionId, correlationId };
  const most = Math.min(limit, MOST_IN_A_PAGE);
  return { type, id, from: to, list, limit: most, ...(after === undefined ? {} : { after }) };
}

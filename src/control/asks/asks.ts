// The open questions of all actors of a type, as a pure reducer: a list for people, of what each actor said last. The actors themselves
// know what is open, and judge the answers; what this list forgets is not lost there. Its size is bounded.
import type { ActorAddress } from '../../contract/address.ts';
import { type ClosedQuestion, toOpenAsk } from '../../contract/asks.ts';
import type { ControlNotice, Reduced } from '../../contract/control.ts';
import type { EventJson, Json } from '../../contract/json.ts';
import { cutRow, type ListAsks, type Row, readList, readTell, type TellAsks } from './protocol.ts';

export interface AsksBounds {
  /** Questions that are listed; others are counted. */
  readonly rows: number;
  /** Of all of them, as JSON. Beyond it they are cut, and read from their actors. */
  readonly bytes: number;
  /** The latest that were closed. */
  readonly closed: number;
  /** Lives without a question, remembered for what overtakes. */
  readonly gone: number;
  readonly goneMs: number;
}

/** As JSON, 10,000 whole questions of 400 bytes. The state goes to the payload store once a session does not take it. */
const BOUNDS: AsksBounds = {
  rows: 10_000,
  bytes: 4_000_000,
  closed: 500,
  gone: 1_000,
  goneMs: 600_000,
};

/** What the questions of one life of an actor are after one of its turns. */
interface Life {
  readonly actor: ActorAddress;
  readonly turn: number;
  readonly rows: readonly Asked[];
}

type Bucket = Readonly<Record<string, Life>>;

type Asked = Row & { readonly ask: string };

export type OpenRow = Asked & { readonly actor: ActorAddress };
export type ClosedRow = ClosedQuestion & { readonly actor: ActorAddress };

export interface AsksIndex {
  /** In buckets: a change copies one of them, and not all. */
  readonly lives: Readonly<Record<string, Bucket>>;
  /** Of all lives. */
  readonly count: number;
  readonly bytes: number;
  readonly closed: readonly ClosedRow[];
  readonly gone: readonly (readonly [life: string, turn: number, at: number])[];
  /** Questions that there was no room for, since the list was empty last. */
  readonly unlisted: number;
}

export interface AsksPage {
  readonly rows: readonly OpenRow[];
  readonly closed: readonly ClosedRow[];
  /** Where the next page begins; absent at the end. */
  readonly next?: string;
  /** Of the whole list. */
  readonly count: number;
  readonly unlisted: number;
}

const EMPTY: AsksIndex = { lives: {}, count: 0, bytes: 0, closed: [], gone: [], unlisted: 0 };

export function reduceAsks(
  known: AsksIndex | undefined,
  event: EventJson,
  now: number,
  bounds = BOUNDS,
): Reduced<AsksIndex> {
  const state = known ?? EMPTY;
  const tell = readTell(event);
  if (tell !== undefined) {
    const notices = noticesOf(state, tell);
    return {
      state: told(state, tell, now, bounds),
      answers: [],
      ...(notices.length === 0 ? {} : { notices }),
    };
  }
  const list = readList(event);
  if (list === undefined) return { state, answers: [] };
  return { state, answers: [{ to: list.from, value: pageOf(state, list) as unknown as Json }] };
}

/** One for each question that was not open before, as clients are shown it. */
function noticesOf(state: AsksIndex, tell: TellAsks): readonly ControlNotice[] {
  const { actor, notify, open } = tell;
  if (notify === undefined || !isNews(state, tell)) return [];
  const known = new Set((lifeOf(state, nameOf(tell))?.rows ?? []).map(({ ask }) => ask));
  return Object.entries(open)
    .filter(([ask]) => !known.has(ask))
    .map(([ask, row]) => ({ agent: notify, input: toOpenAsk(actor, ask, row) as unknown as Json }));
}

function nameOf({ actor, life }: TellAsks): string {
  return JSON.stringify([actor.type, actor.id, life]);
}

/** Neither a repeat, nor overtaken. */
function isNews(state: AsksIndex, tell: TellAsks): boolean {
  const name = nameOf(tell);
  return tell.turn > (lifeOf(state, name)?.turn ?? state.gone.find(([life]) => life === name)?.[1] ?? -1);
}

function told(state: AsksIndex, tell: TellAsks, now: number, bounds: AsksBounds): AsksIndex {
  const name = nameOf(tell);
  const before = lifeOf(state, name);
  if (!isNews(state, tell)) return state;
  const rest: AsksIndex = {
    ...state,
    lives: withLife(state.lives, name, undefined),
    count: state.count - (before?.rows.length ?? 0),
    bytes: state.bytes - bytesOf(before?.rows ?? []),
    gone: state.gone.filter(([life, , at]) => life !== name && now - at < bounds.goneMs),
    closed: withClosed(state.closed, tell, bounds),
  };
  const opened = Object.entries(tell.open);
  const room = Math.max(0, bounds.rows - rest.count);
  const rows = toRows(opened.slice(0, room), bounds.bytes - rest.bytes);
  const count = rest.count + rows.length;
  const unlisted = count === 0 ? 0 : rest.unlisted + opened.length - rows.length;
  if (rows.length === 0)
    return {
      ...rest,
      count,
      unlisted,
      gone: [...rest.gone, [name, tell.turn, now] as const].slice(-bounds.gone),
    };
  const life: Life = { actor: tell.actor, turn: tell.turn, rows };
  return {
    ...rest,
    lives: withLife(rest.lives, name, life),
    count,
    unlisted,
    bytes: rest.bytes + bytesOf(rows),
  };
}

const BUCKETS = 128;

function bucketOf(name: string): string {
  let sum = 0;
  for (let at = 0; at < name.length; at += 1) sum = (sum * 31 + name.charCodeAt(at)) % 65_521;
  return String(sum % BUCKETS);
}

function lifeOf({ lives }: AsksIndex, name: string): Life | undefined {
  return lives[bucketOf(name)]?.[name];
}

function withLife(lives: AsksIndex['lives'], name: string, life: Life | undefined): AsksIndex['lives'] {
  const key = bucketOf(name);
  const { [key]: bucket = {}, ...others } = lives;
  const { [name]: _, ...rest } = bucket;
  const next = life === undefined ? rest : { ...rest, [name]: life };
  return Object.keys(next).length === 0 ? others : { ...others, [key]: next };
}

function bytesOf(rows: readonly Asked[]): number {
  return rows.reduce((sum, row) => sum + JSON.stringify(row).length, 0);
}

function toRows(opened: readonly (readonly [string, Row])[], room: number): Asked[] {
  let left = room;
  return opened.map(([ask, row]) => {
    const whole: Asked = { ask, ...row };
    const bytes = bytesOf([whole]);
    if (bytes > left) return { ask, ...cutRow(row) };
    left -= bytes;
    return whole;
  });
}

/** Longer answers are not remembered here. */
const MOST_REMEMBERED = 200;

function withClosed(
  closed: AsksIndex['closed'],
  { actor, closed: added }: TellAsks,
  bounds: AsksBounds,
): AsksIndex['closed'] {
  const rows = added.map(({ answer, ...one }): ClosedRow => {
    const isShort = answer !== undefined && JSON.stringify(answer).length <= MOST_REMEMBERED;
    return { actor, ...one, ...(isShort ? { answer } : {}) };
  });
  return rows.length === 0 ? closed : [...closed, ...rows].slice(-bounds.closed);
}

function pageOf(state: AsksIndex, { list, after, limit }: ListAsks): AsksPage {
  const { count, unlisted } = state;
  if (list === 'closed') {
    const from = Number(after ?? 0);
    const newest = state.closed.toReversed();
    const closed = newest.slice(from, from + limit);
    const next = from + limit < newest.length ? { next: String(from + limit) } : {};
    return { rows: [], closed, ...next, count, unlisted };
  }
  const all = Object.values(state.lives)
    .flatMap((bucket) => Object.values(bucket))
    .flatMap(({ actor, rows }) => rows.map((row): OpenRow => ({ actor, ...row })))
    .toSorted(byPlace);
  const place = after === undefined ? undefined : readPlace(after);
  const from = place === undefined ? 0 : all.findIndex((row) => byPlace(row, place) > 0);
  const rows = from < 0 ? [] : all.slice(from, from + limit);
  const last = rows.at(-1);
  const isMore = last !== undefined && from + limit < all.length;
  return { rows, closed: [], ...(isMore ? { next: toPlace(last) } : {}), count, unlisted };
}

/** Where a question stands: the oldest first. It stays there while others come and go. */
type Place = Pick<OpenRow, 'openedAt' | 'ask'> & { readonly actor: Pick<ActorAddress, 'id'> };

function toPlace({ openedAt, actor, ask }: OpenRow): string {
  return JSON.stringify([openedAt, actor.id, ask]);
}

/** One that is none begins at the first. */
function readPlace(text: string): Place | undefined {
  try {
    const [openedAt, id, ask] = JSON.parse(text) as readonly unknown[];
    return { openedAt: Number(openedAt), actor: { id: String(id) }, ask: String(ask) };
  } catch {
    return undefined;
  }
}

function byPlace(a: Place, b: Place): number {
  if (a.openedAt !== b.openedAt) return a.openedAt - b.openedAt;
  if (a.actor.id !== b.actor.id) return a.actor.id < b.actor.id ? -1 : 1;
  return a.ask < b.ask ? -1 : Number(a.ask > b.ask);
}

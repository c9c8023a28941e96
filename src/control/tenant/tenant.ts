// What a tenant may use in a UTC day, as a pure reducer. Runs draw blocks of it before their work leaves; what there is too little for
// waits, in order, for what others give back, and for the next day. What is granted in a day never passes its limit: a day begins
// once, also where a clock goes back behind midnight.
import type { ControlAnswer, Reduced } from '../../contract/control.ts';
import type { ReplyAddress } from '../../contract/effect.ts';
import type { EventJson, Json } from '../../contract/json.ts';
import { type Funds, NO_FUNDS } from '../../contract/usage.ts';
import { isRepeat, type Obeyed, remembered } from '../repeats.ts';
import {
  type DayLimit,
  type DayOrder,
  type Draw,
  type GiveBack,
  readDayOrder,
  readDraw,
  readGiveBack,
} from './protocol.ts';

export const DAY_MS = 86_400_000;
/** Runs that are remembered, the latest; and runs that may wait. Others are refused. */
const MOST_RUNS = 4_096;
const MOST_WAITING = 2_048;

interface Run {
  /** Of its last draw that was answered, and the answer. */
  readonly seq: number;
  readonly answer: ControlAnswer;
  /** What it drew on the day, and what of it may still come back. */
  readonly day: number;
  readonly drawn: Funds;
  /** All that it has given back in its life. */
  readonly back: Funds;
}

export interface TenantState {
  /** Days since 1970: the latest that was seen. */
  readonly day: number;
  /** What counts: as configured, or as people ordered over it. */
  readonly limit: DayLimit;
  readonly revision?: number;
  readonly obeyed?: Obeyed;
  /** On this day, less what came back. */
  readonly granted: Funds;
  /** By session and life, the latest behind. */
  readonly runs: Readonly<Record<string, Run>>;
  readonly waiting: readonly Draw[];
}

export function reduceTenant(
  known: TenantState | undefined,
  event: EventJson,
  now: number,
): Reduced<TenantState> {
  const state = onDay(known ?? emptyTenant(), Math.floor(now / DAY_MS));
  const draw = readDraw(event);
  if (draw !== undefined) return drawn(state, draw);
  const order = readDayOrder(event);
  if (order !== undefined) return obey(state, order);
  const back = readGiveBack(event);
  return serve(back === undefined ? state : givenBack(state, back), []);
}

function emptyTenant(): TenantState {
  return { day: 0, limit: {}, granted: NO_FUNDS, runs: {}, waiting: [] };
}

function onDay(state: TenantState, day: number): TenantState {
  return day <= state.day ? state : { ...state, day, granted: NO_FUNDS };
}

function drawn(given: TenantState, draw: Draw): Reduced<TenantState> {
  const name = nameOf(draw.to);
  const run = given.runs[name];
  if (run !== undefined && draw.seq <= run.seq) return serve(given, draw.seq === run.seq ? [run.answer] : []);
  const isAgain = given.waiting.some(({ to }) => nameOf(to) === name);
  const isFull = !isAgain && given.waiting.length >= MOST_WAITING;
  // Behind those who wait already; who asks again keeps its place.
  const waiting = isAgain
    ? given.waiting.map((other) => (nameOf(other.to) === name ? draw : other))
    : [...given.waiting, draw];
  const served = serve({ ...configured(given, draw), waiting }, []);
  const waits = served.state.waiting.some(({ to }) => nameOf(to) === name);
  if (!waits || !(draw.isFinal || isFull)) return served;
  const others = served.state.waiting.filter(({ to }) => nameOf(to) !== name);
  const refused = answered({ ...served.state, waiting: others }, draw, NO_FUNDS, true);
  return done(refused.state, [...served.answers, refused.answer]);
}

/** The highest revision counts; of the same one what was said last, as long as nobody has ordered anything. */
function configured(state: TenantState, { limit: { revision = 0, ...limit } }: Draw): TenantState {
  const { revision: known = 0 } = state;
  if (revision < known) return state;
  return { ...state, limit, ...(revision === 0 ? {} : { revision }) };
}

/** Over what is configured: it counts until a configuration has a higher revision. */
function obey(state: TenantState, { id, from, limit }: DayOrder): Reduced<TenantState> {
  const isNew = limit !== undefined && !isRepeat(state.obeyed, id);
  const revision = (state.revision ?? 0) + 1;
  const obeyed = remembered(state.obeyed, id);
  const next = isNew ? { ...state, limit: { ...state.limit, ...limit }, revision, obeyed } : state;
  const served = serve(next, []);
  return {
    ...served,
    answers: [...served.answers, { to: from, value: viewOf(served.state) as unknown as Json }],
  };
}

export interface DayView {
  readonly day: number;
  readonly limit: DayLimit;
  readonly granted: Funds;
  readonly waiting: number;
  readonly revision: number;
}

function viewOf({ day, limit, granted, waiting, revision = 0 }: TenantState): DayView {
  return { day, limit, granted, waiting: waiting.length, revision };
}

/** Those who wait, in order, as long as there is enough for the first of them. */
function serve(given: TenantState, answers: readonly ControlAnswer[]): Reduced<TenantState> {
  let state = given;
  const all = [...answers];
  for (let [next] = state.waiting; next !== undefined; [next] = state.waiting) {
    const funds = blockFor(state, next);
    if (funds === undefined) break;
    const granted = plus(state.granted, funds);
    const served = answered({ ...state, granted, waiting: state.waiting.slice(1) }, next, funds, false);
    state = served.state;
    all.push(served.answer);
  }
  return done(state, all);
}

function done(state: TenantState, answers: readonly ControlAnswer[]): Reduced<TenantState> {
  const wake = state.waiting.length === 0 ? {} : { wakeAt: (state.day + 1) * DAY_MS };
  return { state, answers, ...wake };
}

/** Undefined where there is too little. Of what is not limited nothing is drawn. */
function blockFor({ limit, granted }: TenantState, { least, wish }: Draw): Funds | undefined {
  const part = (of: number | undefined, used: number, low: number, high: number): number | undefined => {
    if (of === undefined) return 0;
    const left = of - used;
    return left < low || left <= 0 ? undefined : Math.max(low, Math.min(high, left));
  };
  const microUsd = part(limit.microUsd, granted.microUsd, least.microUsd, wish.microUsd);
  const tokens = part(limit.tokens, granted.tokens, least.tokens, wish.tokens);
  return microUsd === undefined || tokens === undefined ? undefined : { microUsd, tokens };
}

function answered(
  state: TenantState,
  { to, seq }: Draw,
  funds: Funds,
  isRefused: boolean,
): { readonly state: TenantState; readonly answer: ControlAnswer } {
  const name = nameOf(to);
  const { [name]: before, ...others } = state.runs;
  const answer = { to, value: { ...funds, seq, isRefused } };
  const today = before?.day === state.day ? before.drawn : NO_FUNDS;
  const back = before?.back ?? NO_FUNDS;
  const run: Run = { seq, answer, day: state.day, drawn: plus(today, funds), back };
  return { answer, state: { ...state, runs: { ...latest(others, MOST_RUNS - 1), [name]: run } } };
}

function latest(runs: TenantState['runs'], most: number): TenantState['runs'] {
  const entries = Object.entries(runs);
  return entries.length <= most ? runs : Object.fromEntries(entries.slice(-most));
}

/** What was drawn on an earlier day is of that day. */
function givenBack(state: TenantState, { to, sum }: GiveBack): TenantState {
  const name = nameOf(to);
  const run = state.runs[name];
  if (run === undefined || run.day !== state.day) return state;
  const more = least(minus(sum, run.back), run.drawn);
  const next: Run = { ...run, back: most(run.back, sum), drawn: minus(run.drawn, more) };
  return { ...state, granted: minus(state.granted, more), runs: { ...state.runs, [name]: next } };
}

function nameOf({ entity, sessionId, correlationId }: ReplyAddress): string {
  return JSON.stringify([entity, sessionId, correlationId]);
}

const each =
  (of: (a: number, b: number) => number) =>
  (a: Funds, b: Funds): Funds => ({ microUsd: of(a.microUsd, b.microUsd), tokens: of(a.tokens, b.tokens) });
const plus = each((a, b) => a + b);
const minus = each((a, b) => Math.max(0, a - b));
const least = each(Math.min);
const most = each(Math.max);

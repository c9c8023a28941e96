// The limiter of one name, as a pure reducer. Processes ask for leases of at most a second of its rate and spend them by themselves;
// it knows what each has, how many calls it runs, and what the other side answered. Its time is its own: it adds up what has passed
// between two events, so a clock that is set back or jumps ahead gives nobody more than a burst.
import type { ControlAnswer, Reduced } from '../../contract/control.ts';
import type { ReplyAddress } from '../../contract/effect.ts';
import type { EventJson, Json } from '../../contract/json.ts';
import { type Adaptive, adapt, FULL, slotsOf } from './adapt.ts';
import { fits, giveBack, type Rate, room, take, waitFor } from './gcra.ts';
import { type Ask, type Grant, type LimitSettings, type Push, readAsk, type Seen } from './protocol.ts';

/** Providers count when a call arrives, in windows of their own: so much of the rate is used. */
const USED_SHARE = 0.975;
const MINUTE_MS = 60_000;
/** One second of rate at once: some providers look at single seconds. */
const BURST_MS = 1_000;
/** Of a slow rate it is two requests: who is late with its ask loses nothing. */
const [BURST_REQUESTS, LONGEST_BURST_MS] = [2, 2_500];
const LEASE_MS = 2_000;
/** Who has got nothing for so long is served before all others. */
const PATIENCE_MS = 1_000;
/** Who wanted something and has not asked again since wants nothing any more. */
const FRESH_MS = 1_500;
const LEAST_WAIT_MS = 50;
/** Until calls of others end, of which it is told. */
const PERMIT_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
/** A limit that said nothing of when. */
const PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 3_600_000;
/** A clock that is a little behind is that of another host; one that is far behind was set, and is followed. */
const CLOCKS_APART_MS = 5_000;
const MOST_PROCESSES = 500;
/** Of what has no limit. */
const ANY = 1_000_000_000;

interface ProcessState {
  readonly seq: number;
  readonly at: number;
  readonly to: ReplyAddress;
  readonly silenceMs: number;
  /** Calls that it may run at once. */
  readonly held: number;
  readonly want: number;
  /** Since when it has got nothing. */
  readonly since?: number;
  /** Its last lease: how much, and up to when that was paid. */
  readonly requests: number;
  readonly tokens: number;
  readonly requestsUntil: number;
  readonly tokensUntil: number;
  /** Said again to one that asks again. */
  readonly grant: Grant;
}

export interface LimitState {
  /** The limiter's own time, and the clock's when it was last looked at. */
  readonly time: number;
  readonly clock: number;
  readonly settings: LimitSettings;
  readonly revision: number;
  readonly requestsUntil: number;
  readonly tokensUntil: number;
  readonly pausedUntil: number;
  readonly adaptive: Adaptive;
  readonly processes: Readonly<Record<string, ProcessState>>;
}

export function reduceLimit(
  known: LimitState | undefined,
  event: EventJson,
  now: number,
): Reduced<LimitState> {
  const state = passed(known ?? emptyLimit(now), now);
  const ask = readAsk(event);
  if (ask === undefined) return { state, answers: [] };
  const before = state.processes[ask.process];
  if (before !== undefined && ask.seq <= before.seq) {
    const isRepeat = ask.seq === before.seq;
    return { state, answers: isRepeat ? [{ to: ask.from, value: toJson(before.grant) }] : [] };
  }
  return answer(report(configured(state, ask), ask, before), ask, before);
}

function emptyLimit(now: number): LimitState {
  return {
    time: 0,
    clock: now,
    settings: {},
    revision: -1,
    requestsUntil: 0,
    tokensUntil: 0,
    pausedUntil: 0,
    adaptive: FULL,
    processes: {},
  };
}

/** Time goes on; processes that are gone are forgotten, and what they held is free. */
function passed(state: LimitState, now: number): LimitState {
  const ahead = now - state.clock;
  const time = state.time + Math.max(0, ahead);
  const clock = ahead > 0 || ahead < -CLOCKS_APART_MS ? now : state.clock;
  const all = Object.entries(state.processes);
  const living = all.filter(([, { at, silenceMs }]) => time - at <= silenceMs);
  const processes = living.length === all.length ? state.processes : Object.fromEntries(living);
  return { ...state, time, clock, processes };
}

function configured(state: LimitState, { settings, revision }: Ask): LimitState {
  return revision > state.revision ? { ...state, settings, revision } : state;
}

/** What the process says of its last lease, of calls that ended, and of what the other side said. */
function report(state: LimitState, ask: Ask, before: ProcessState | undefined): LimitState {
  const { time, settings } = state;
  const [requests, tokens] = [requestRate(state), tokenRate(state)];
  let { requestsUntil, tokensUntil } = state;
  if (before !== undefined && requests !== undefined)
    requestsUntil = giveBack(
      requestsUntil,
      time,
      Math.min(ask.back.requests, before.requests),
      before.requestsUntil,
      requests,
    );
  if (tokens !== undefined) {
    if (before !== undefined)
      tokensUntil = giveBack(
        tokensUntil,
        time,
        Math.min(ask.back.tokens, before.tokens),
        before.tokensUntil,
        tokens,
      );
    if (ask.debt > 0) tokensUntil = take(tokensUntil, time, ask.debt, tokens);
  }
  const held = heldBy(state.processes);
  const adaptive = adapt(state.adaptive, ask.seen, { time, settings, held });
  return { ...state, requestsUntil, tokensUntil, adaptive, pausedUntil: pausedBy(state, ask.seen) };
}

function pausedBy({ pausedUntil, time }: LimitState, seen: Seen | undefined): number {
  if (seen === undefined || (seen.throttled === 0 && seen.waitMs === undefined)) return pausedUntil;
  return Math.max(pausedUntil, time + Math.min(seen.waitMs ?? PAUSE_MS, LONGEST_PAUSE_MS));
}

/** Gives what there is, and tells the others what they must know. */
function answer(state: LimitState, ask: Ask, before: ProcessState | undefined): Reduced<LimitState> {
  const { time } = state;
  const others = Object.entries(state.processes).filter(([id]) => id !== ask.process);
  const { requests, tokens, permits, waitMs } = grantFor(state, ask, others, before);
  const [requestRates, tokenRates] = [requestRate(state), tokenRate(state)];
  const requestsUntil =
    requestRates === undefined || requests === 0
      ? state.requestsUntil
      : take(state.requestsUntil, time, requests, requestRates);
  const tokensUntil =
    tokenRates === undefined || tokens === 0
      ? state.tokensUntil
      : take(state.tokensUntil, time, tokens, tokenRates);
  const pausedMs = Math.max(0, state.pausedUntil - time);
  const grant: Grant = {
    seq: ask.seq,
    requests,
    tokens,
    ...(permits === undefined ? {} : { permits }),
    ttlMs: LEASE_MS,
    waitMs,
    pausedMs,
    settings: state.settings,
    revision: state.revision,
  };
  const isServed = requests > 0 || ask.want.requests === 0;
  const own: ProcessState = {
    seq: ask.seq,
    at: time,
    to: ask.from,
    silenceMs: ask.silenceMs,
    held: heldWith(permits, ask),
    want: ask.want.requests,
    ...(isServed ? {} : { since: before?.since ?? time }),
    requests,
    tokens,
    requestsUntil,
    tokensUntil,
    grant,
  };
  const processes = bounded({ ...state.processes, [ask.process]: own });
  const isFreed = (before?.held ?? 0) > own.held;
  const value: Push | undefined = pushOf(ask, isFreed, pausedMs);
  const answers: ControlAnswer[] = [{ to: ask.from, value: toJson(grant) }];
  if (value !== undefined) {
    const told = others.filter(([, one]) => value.again !== true || waits(one, time));
    answers.push(...told.map(([, { to }]) => ({ to, value: toJson(value) })));
  }
  return { state: { ...state, requestsUntil, tokensUntil, processes }, answers };
}

/** What runs runs, also where it is more than its permits are now. */
function heldWith(permits: number | undefined, { running }: Ask): number {
  return Math.max(running, permits ?? 0);
}

function pushOf({ seen }: Ask, isFreed: boolean, pausedMs: number): Push | undefined {
  if (pausedMs > 0 && seen !== undefined && (seen.throttled > 0 || seen.waitMs !== undefined))
    return { push: true, pausedMs };
  return isFreed ? { push: true, again: true } : undefined;
}

interface Granted {
  readonly requests: number;
  readonly tokens: number;
  readonly permits?: number;
  readonly waitMs: number;
}

function grantFor(
  state: LimitState,
  ask: Ask,
  others: readonly (readonly [string, ProcessState])[],
  before: ProcessState | undefined,
): Granted {
  const { time, pausedUntil, settings, adaptive } = state;
  const { want, running } = ask;
  const slots = settings.concurrent === undefined ? undefined : slotsOf(adaptive, settings.concurrent);
  const permits = slots === undefined ? undefined : permitsFor(slots, ask, others, time);
  const none = (waitMs: number): Granted => ({
    requests: 0,
    tokens: 0,
    ...(permits === undefined ? {} : { permits: Math.min(permits, running) }),
    waitMs: Math.min(LONGEST_WAIT_MS, Math.max(LEAST_WAIT_MS, Math.ceil(waitMs))),
  });
  if (want.requests === 0) return none(0);
  if (pausedUntil > time) return none(pausedUntil - time);
  if (permits === 0) return none(PERMIT_WAIT_MS);
  const free = permits === undefined ? Infinity : Math.max(1, permits - running);
  const first = ask.least;
  const [requests, tokens] = [requestRate(state), tokenRate(state)];
  const wait = Math.max(
    requests === undefined ? 0 : untilFits(state.requestsUntil, time, 1, requests),
    tokens === undefined ? 0 : untilFits(state.tokensUntil, time, first, tokens),
  );
  const since = before?.since ?? time;
  const older = others.filter(([, one]) => one.since !== undefined && one.since < since && waits(one, time));
  const isBehind = older.some(([, { since: at = time }]) => time - at > PATIENCE_MS);
  // When its turn comes, if those who wait longer take one each.
  if (wait > 0 || isBehind)
    return none(wait + (requests === undefined ? PERMIT_WAIT_MS : older.length / requests.perMs));
  const wants = others.flatMap(([, one]) => (isFresh(one, time) ? [one.want] : []));
  const mean = Math.max(1, want.tokens / want.requests);
  const most = (paidUntil: number, rate: Rate | undefined, each: number): number =>
    rate === undefined
      ? Infinity
      : Math.ceil(evenShare(Math.floor(room(paidUntil, time, rate)) / each, wants));
  const count = Math.max(
    1,
    Math.min(
      want.requests,
      free,
      most(state.requestsUntil, requests, 1),
      most(state.tokensUntil, tokens, mean),
      requests === undefined ? Infinity : Math.floor(room(state.requestsUntil, time, requests)),
    ),
  );
  const tokenRoom = tokens === undefined ? ANY : Math.floor(room(state.tokensUntil, time, tokens));
  return {
    requests: requests === undefined ? ANY : count,
    tokens: tokens === undefined ? ANY : Math.max(first, Math.min(tokenRoom, Math.ceil(count * mean))),
    ...(permits === undefined ? {} : { permits }),
    waitMs: 0,
  };
}

/**
 * Calls that it may run at once: what the others leave, and of that an even share. It may be fewer than it runs already: then it
 * begins none until enough of them have ended.
 */
function permitsFor(
  slots: number,
  { running, want }: Ask,
  others: readonly (readonly [string, ProcessState])[],
  time: number,
): number {
  const left = slots - others.reduce((sum, [, { held }]) => sum + held, 0);
  const wants = others.map(([, one]) => one.held + (isFresh(one, time) ? one.want : 0));
  const fair = Math.max(1, Math.floor(evenShare(slots, wants)));
  return Math.max(0, Math.min(running + want.requests, left, fair));
}

/** Who wants less than an even share leaves the rest of it to the others. */
function evenShare(all: number, wants: readonly number[]): number {
  let rest = all;
  let count = wants.length + 1;
  for (const want of wants.toSorted((a, b) => a - b)) {
    if (want >= rest / count) break;
    rest -= want;
    count -= 1;
  }
  return rest / count;
}

function untilFits(paidUntil: number, time: number, units: number, rate: Rate): number {
  return fits(paidUntil, time, units, rate) ? 0 : Math.max(1, waitFor(paidUntil, time, units, rate));
}

function isFresh({ at, grant }: ProcessState, time: number): boolean {
  return time - at <= FRESH_MS + grant.waitMs;
}

/** Got nothing, and still asks. */
function waits(one: ProcessState, time: number): boolean {
  return one.since !== undefined && isFresh(one, time);
}

function heldBy(processes: LimitState['processes']): number {
  return Object.values(processes).reduce((sum, { held }) => sum + held, 0);
}

function requestRate(state: LimitState): Rate | undefined {
  const rate = rateOf(state.settings.requestsPerMinute, state);
  if (rate === undefined) return undefined;
  const burstMs = Math.max(BURST_MS, Math.min(LONGEST_BURST_MS, BURST_REQUESTS / rate.perMs));
  return { ...rate, burstMs };
}

function tokenRate(state: LimitState): Rate | undefined {
  return rateOf(state.settings.tokensPerMinute, state);
}

function rateOf(perMinute: number | undefined, { adaptive }: LimitState): Rate | undefined {
  return perMinute === undefined
    ? undefined
    : { perMs: (perMinute * USED_SHARE * adaptive.factor) / MINUTE_MS, burstMs: BURST_MS };
}

/** Of more processes than that those are forgotten that have been silent longest. */
function bounded(processes: LimitState['processes']): LimitState['processes'] {
  const all = Object.entries(processes);
  if (all.length <= MOST_PROCESSES) return processes;
  return Object.fromEntries(all.toSorted(([, a], [, b]) => b.at - a.at).slice(0, MOST_PROCESSES));
}

function toJson(value: Grant | Push): Json {
  return value as unknown as Json;
}

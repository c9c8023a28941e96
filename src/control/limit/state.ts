// What a limiter keeps, and what follows from it alone: its time, its rates, who waits, what stops it.
import type { ReplyAddress } from '../../contract/effect.ts';
import type { Json } from '../../contract/json.ts';
import type { Obeyed } from '../repeats.ts';
import { type Adaptive, FULL } from './adapt.ts';
import { type Breaker, CLOSED, lookAt } from './breaker.ts';
import type { Rate } from './gcra.ts';
import type { Grant, LimitSettings, Push } from './protocol.ts';

/** Providers count when a call arrives, in windows of their own: so much of the rate is used. */
const USED_SHARE = 0.975;
const MINUTE_MS = 60_000;
/** One second of rate at once: some providers look at single seconds. */
const BURST_MS = 1_000;
/** Of a slow rate it is two requests: who is late with its ask loses nothing. */
const [BURST_REQUESTS, LONGEST_BURST_MS] = [2, 2_500];
/** Who wanted something and has not asked again since wants nothing any more. */
const FRESH_MS = 1_500;
/** A clock that is a little behind is that of another host; one that is far behind was set, and is followed. */
const CLOCKS_APART_MS = 5_000;
/** A stop by people is looked at again as often; its end is told. */
const STOPPED_MS = 30_000;
const MOST_PROCESSES = 500;

export interface Revised {
  readonly settings: LimitSettings;
  readonly revision: number;
}

export interface ProcessState {
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
  /** What counts now: as configured, and what was ordered over it. */
  readonly settings: LimitSettings;
  readonly revision: number;
  readonly configured: Revised & { readonly begunAt?: number };
  readonly ordered?: Revised;
  readonly requestsUntil: number;
  readonly tokensUntil: number;
  readonly pausedUntil: number;
  readonly adaptive: Adaptive;
  readonly breaker: Breaker;
  /** By people: until they say otherwise. */
  readonly isStopped?: boolean;
  readonly obeyed?: Obeyed;
  readonly processes: Readonly<Record<string, ProcessState>>;
}

export function emptyLimit(now: number): LimitState {
  return {
    time: 0,
    clock: now,
    settings: {},
    revision: -1,
    configured: { settings: {}, revision: -1 },
    requestsUntil: 0,
    tokensUntil: 0,
    pausedUntil: 0,
    adaptive: FULL,
    breaker: CLOSED,
    processes: {},
  };
}

/** Time passes; processes that are gone are forgotten, and what they held is free. */
export function passed(state: LimitState, now: number): LimitState {
  const ahead = now - state.clock;
  const time = state.time + Math.max(0, ahead);
  const clock = ahead > 0 || ahead < -CLOCKS_APART_MS ? now : state.clock;
  const all = Object.entries(state.processes);
  const living = all.filter(([, { at, silenceMs }]) => time - at <= silenceMs);
  const processes = living.length === all.length ? state.processes : Object.fromEntries(living);
  return { ...state, time, clock, processes };
}

/** With other settings, configured or ordered. The highest revision counts; an order says only what it changes. */
export function revised(
  state: LimitState,
  more: Partial<Pick<LimitState, 'configured' | 'ordered'>>,
): LimitState {
  const { ordered: known, ...rest } = { ...state, ...more };
  const { configured } = rest;
  const ordered = known === undefined || known.revision < configured.revision ? undefined : known;
  return {
    ...rest,
    settings: { ...configured.settings, ...ordered?.settings },
    revision: ordered?.revision ?? configured.revision,
    ...(ordered === undefined ? {} : { ordered }),
  };
}

export type Stop = Pick<Grant, 'pausedMs' | 'open'>;

/** Why nothing may begin now, and for how long. */
export function stopOf({ time, pausedUntil, breaker, isStopped }: LimitState): Stop {
  const { kind, forMs } = { forMs: 0, ...lookAt(breaker, time) };
  const left = [pausedUntil - time, isStopped === true ? STOPPED_MS : 0, kind === 'open' ? forMs : 0];
  return { pausedMs: Math.max(0, ...left), ...(kind === 'open' ? { open: true } : {}) };
}

export function requestRate(state: LimitState): Rate | undefined {
  const rate = rateOf(state.settings.requestsPerMinute, state);
  if (rate === undefined) return undefined;
  const burstMs = Math.max(BURST_MS, Math.min(LONGEST_BURST_MS, BURST_REQUESTS / rate.perMs));
  return { ...rate, burstMs };
}

export function tokenRate(state: LimitState): Rate | undefined {
  return rateOf(state.settings.tokensPerMinute, state);
}

function rateOf(perMinute: number | undefined, { adaptive }: LimitState): Rate | undefined {
  return perMinute === undefined
    ? undefined
    : { perMs: (perMinute * USED_SHARE * adaptive.factor) / MINUTE_MS, burstMs: BURST_MS };
}

export function isFresh({ at, grant }: ProcessState, time: number): boolean {
  return time - at <= FRESH_MS + grant.waitMs;
}

/** Got nothing, and still asks. */
export function waits(one: ProcessState, time: number): boolean {
  return one.since !== undefined && isFresh(one, time);
}

/** Of more processes than that those are forgotten that have been silent longest. */
export function bounded(processes: LimitState['processes']): LimitState['processes'] {
  const all = Object.entries(processes);
  if (all.length <= MOST_PROCESSES) return processes;
  return Object.fromEntries(all.toSorted(([, a], [, b]) => b.at - a.at).slice(0, MOST_PROCESSES));
}

export function toJson(value: Grant | Push): Json {
  return value as unknown as Json;
}

// What one ask gets: what is there of each rate, an even share of it where others want some too, and calls at once.
import { slotsOf } from './adapt.ts';
import { fits, type Rate, room, waitFor } from './gcra.ts';
import type { Ask } from './protocol.ts';
import {
  isFresh,
  type LimitState,
  type ProcessState,
  requestRate,
  type Stop,
  tokenRate,
  waits,
} from './state.ts';

/** Who has got nothing for so long is served before all others. */
const PATIENCE_MS = 1_000;
const LEAST_WAIT_MS = 50;
/** Until calls of others end, of which it is told. */
const PERMIT_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
/** Of those who wait for what becomes of a probe, and are told. */
const PROBE_WAIT_MS = 1_000;
/** Of what is there who asks gets two even shares: who is late loses nothing, for theirs comes again as time passes. */
const SHARES = 2;
/** Of what has no limit. */
const ANY = 1_000_000_000;

interface Granted {
  readonly requests: number;
  readonly tokens: number;
  readonly permits?: number;
  readonly waitMs: number;
}

export function grantFor(
  state: LimitState,
  ask: Ask,
  others: readonly (readonly [string, ProcessState])[],
  before: ProcessState | undefined,
  { pausedMs, open }: Stop,
): Granted {
  const { time, settings, adaptive } = state;
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
  if (pausedMs > 0) return none(pausedMs);
  // Another one has the probe.
  if (open === true) return none(PROBE_WAIT_MS);
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
      : Math.ceil(SHARES * evenShare(Math.floor(room(paidUntil, time, rate)) / each, wants));
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
  const fair = Math.max(1, Math.ceil(evenShare(slots, wants)));
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

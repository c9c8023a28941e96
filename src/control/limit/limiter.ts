// The limiter of one name, as a pure reducer. Processes ask for leases of at most a second of its rate and spend them by themselves;
// it knows what each has, how many calls it runs, and what the other side answered. Its time is its own: it adds up what has passed
// between two events, so a clock that is set back or jumps ahead gives nobody more than a burst.
import type { ControlAnswer, Reduced } from '../../contract/control.ts';
import type { EventJson } from '../../contract/json.ts';
import { adapt } from './adapt.ts';
import { type Breaker, heed, lookAt, probed } from './breaker.ts';
import { giveBack, take } from './gcra.ts';
import { grantFor } from './grant.ts';
import { obey } from './orders.ts';
import { type Ask, type Grant, type Push, readAsk, readOrder, type Seen } from './protocol.ts';
import {
  bounded,
  emptyLimit,
  type LimitState,
  type ProcessState,
  passed,
  requestRate,
  revised,
  type Stop,
  stopOf,
  toJson,
  tokenRate,
  waits,
} from './state.ts';

const LEASE_MS = 2_000;
/** A limit that said nothing of when. */
const PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 3_600_000;

export function reduceLimit(
  known: LimitState | undefined,
  event: EventJson,
  now: number,
): Reduced<LimitState> {
  const state = passed(known ?? emptyLimit(now), now);
  const order = readOrder(event);
  if (order !== undefined) return obey(state, order);
  const ask = readAsk(event);
  if (ask === undefined) return { state, answers: [] };
  const before = state.processes[ask.process];
  if (before !== undefined && ask.seq <= before.seq) {
    if (ask.seq < before.seq) return { state, answers: [] };
    const { grant } = before;
    return { state, answers: [{ to: ask.from, value: toJson({ ...grant, ...stopOf(state) }) }] };
  }
  const reported = report(configured(state, ask), ask, before);
  return answer(reported, ask, before, changeOf(state.breaker, reported.breaker));
}

function changeOf(before: Breaker, now: Breaker): 'opened' | 'closed' | undefined {
  if (now.open === undefined) return before.open === undefined ? undefined : 'closed';
  return now.open.times === before.open?.times ? undefined : 'opened';
}

/** Of one revision the process counts that began last: what is deployed now, although some still ask with what was before. */
function configured(state: LimitState, { settings, revision, begunAt = 0 }: Ask): LimitState {
  const { configured: known } = state;
  const isLater = revision === known.revision && begunAt > (known.begunAt ?? 0);
  return revision > known.revision || isLater
    ? revised(state, { configured: { settings, revision, begunAt } })
    : state;
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
  const unused = ask.back.requests > 0;
  const breaker = heed(state.breaker, ask.seen, { time, process: ask.process, unused });
  const adaptive = adapt(state.adaptive, ask.seen, { time, settings, held });
  return {
    ...state,
    requestsUntil,
    tokensUntil,
    adaptive,
    breaker,
    pausedUntil: pausedBy(state, ask.seen),
  };
}

function pausedBy({ pausedUntil, time }: LimitState, seen: Seen | undefined): number {
  if (seen === undefined || (seen.throttled === 0 && seen.waitMs === undefined)) return pausedUntil;
  return Math.max(pausedUntil, time + Math.min(seen.waitMs ?? PAUSE_MS, LONGEST_PAUSE_MS));
}

/** Gives what there is, and tells the others what they must know. */
function answer(
  state: LimitState,
  ask: Ask,
  before: ProcessState | undefined,
  change: 'opened' | 'closed' | undefined,
): Reduced<LimitState> {
  const { time } = state;
  const stop = stopOf(state);
  const others = Object.entries(state.processes).filter(([id]) => id !== ask.process);
  const given = grantFor(state, ask, others, before, stop);
  const isProbe = lookAt(state.breaker, time).kind === 'probe' && given.requests > 0;
  const { requests, tokens, permits, waitMs } = isProbe
    ? { ...given, requests: 1, tokens: ask.least }
    : given;
  const breaker = isProbe ? probed(state.breaker, ask.process, time) : state.breaker;
  const [requestRates, tokenRates] = [requestRate(state), tokenRate(state)];
  const requestsUntil =
    requestRates === undefined || requests === 0
      ? state.requestsUntil
      : take(state.requestsUntil, time, requests, requestRates);
  const tokensUntil =
    tokenRates === undefined || tokens === 0
      ? state.tokensUntil
      : take(state.tokensUntil, time, tokens, tokenRates);
  const grant: Grant = {
    seq: ask.seq,
    requests,
    tokens,
    ...(permits === undefined ? {} : { permits }),
    ttlMs: LEASE_MS,
    waitMs,
    ...stop,
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
  const value: Push | undefined = pushOf(ask, isFreed, stop, change);
  const answers: ControlAnswer[] = [{ to: ask.from, value: toJson(grant) }];
  if (value !== undefined) {
    const told = others.filter(([, one]) => value.pausedMs !== undefined || waits(one, time));
    answers.push(...told.map(([, { to }]) => ({ to, value: toJson(value) })));
  }
  return { state: { ...state, requestsUntil, tokensUntil, breaker, processes }, answers };
}

/** What runs runs, also where it is more than its permits are now. */
function heldWith(permits: number | undefined, { running }: Ask): number {
  return Math.max(running, permits ?? 0);
}

function pushOf(
  { seen }: Ask,
  isFreed: boolean,
  stop: Stop,
  change: 'opened' | 'closed' | undefined,
): Push | undefined {
  if (change === 'closed') return { push: true, ...stop, again: true };
  const isTold = seen !== undefined && (seen.throttled > 0 || seen.waitMs !== undefined);
  if (stop.pausedMs > 0 && (isTold || change === 'opened')) return { push: true, ...stop };
  return isFreed ? { push: true, again: true } : undefined;
}

function heldBy(processes: LimitState['processes']): number {
  return Object.values(processes).reduce((sum, { held }) => sum + held, 0);
}

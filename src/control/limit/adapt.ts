// What is really there may be less than what was configured, and for a while: a limit goes down when the other side says so, once a
// window, and up again step by step while it is used. AIMD, for the rate and for calls at once, always within what is configured.
import type { LimitSettings, Seen } from './protocol.ts';

const WINDOW_MS = 10_000;
/** Calls that were on their way when it went down tell nothing new. */
const SETTLE_MS = 3_000;
const LEAST_FACTOR = 0.05;
const STEP = 0.1;
/** A call here and there that was too many, and more than that. */
const [SLIGHT, HEAVY, HEAVY_SHARE] = [0.9, 0.6, 0.1];
/** So many times slower than usual: calls wait for each other over there. */
const SLOW = 2;
const [RECENT, USUAL] = [0.3, 0.02];

export interface Adaptive {
  /** Of the rates. */
  readonly factor: number;
  /** Of the calls at once. */
  readonly slots: number;
  readonly changedAt: number;
  /** Since the last change. */
  readonly calls: number;
  readonly throttled: number;
  readonly failed: number;
  /** Most calls at once, as far as was seen. */
  readonly used: number;
  /** How long calls take, lately and usually, ms. */
  readonly recentMs: number;
  readonly usualMs: number;
}

const NOTHING = { calls: 0, throttled: 0, failed: 0, used: 0 };

export const FULL: Adaptive = { factor: 1, slots: 1, changedAt: 0, ...NOTHING, recentMs: 0, usualMs: 0 };

/** Calls at once now. */
export function slotsOf({ slots }: Adaptive, concurrent: number): number {
  return Math.max(1, Math.round(concurrent * slots));
}

interface Now {
  readonly time: number;
  readonly settings: LimitSettings;
  /** Calls that may run at once just now. */
  readonly held: number;
}

export function adapt(before: Adaptive, seen: Seen | undefined, now: Now): Adaptive {
  const state = seen === undefined ? before : noted(before, seen, now);
  const { time, settings } = now;
  const isDue = time - state.changedAt >= WINDOW_MS;
  const isFirst = state.changedAt === 0;
  const changed = { ...state, ...NOTHING, changedAt: Math.max(1, time) };
  if (state.throttled > 0 && (isDue || isFirst)) {
    const cut = state.throttled / Math.max(1, state.calls) > HEAVY_SHARE ? HEAVY : SLIGHT;
    return { ...changed, factor: Math.max(LEAST_FACTOR, state.factor * cut), slots: lower(state, now, cut) };
  }
  if (!isDue || state.calls === 0) return state;
  const isSlow = state.recentMs > SLOW * state.usualMs;
  if (state.failed / state.calls > HEAVY_SHARE || isSlow)
    return { ...changed, slots: lower(state, now, isSlow ? SLIGHT : HEAVY) };
  const { concurrent } = settings;
  const isUsed = concurrent === undefined || state.used >= slotsOf(state, concurrent);
  return {
    ...changed,
    factor: Math.min(1, state.factor + STEP),
    slots: isUsed ? Math.min(1, state.slots + STEP) : state.slots,
  };
}

function noted(state: Adaptive, { good, goodMs, ...bad }: Seen, { held, time }: Now): Adaptive {
  const isEarly = state.changedAt > 0 && time - state.changedAt < SETTLE_MS;
  const { throttled, failed } = isEarly ? NOTHING : bad;
  const mean = good === 0 ? 0 : goodMs / good;
  const drawn = (known: number, weight: number): number =>
    good === 0 ? known : known === 0 ? mean : known + (mean - known) * weight;
  return {
    ...state,
    calls: state.calls + good + throttled + failed,
    throttled: state.throttled + throttled,
    failed: state.failed + failed,
    used: Math.max(state.used, held),
    recentMs: drawn(state.recentMs, RECENT),
    usualMs: drawn(state.usualMs, USUAL),
  };
}

function lower({ slots }: Adaptive, { settings: { concurrent = 1 } }: Now, cut: number): number {
  return Math.max(1 / concurrent, slots * cut);
}

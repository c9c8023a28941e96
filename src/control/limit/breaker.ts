// Stops the work of a limit while what it needs fails. It opens when half of the recent calls failed, when ten in a row did, or at once
// when an account has no money; after a while one call is let through as a probe, and what becomes of it closes or opens it again, for twice as long.
// A rate that is exceeded is no failure, nor is an input that is refused.
import type { Seen } from './protocol.ts';

/** Calls are counted for so long: in the present window and the one before. */
const WINDOW_MS = 15_000;
const LEAST_FAILURES = 5;
const FAILING_SHARE = 0.5;
/** Where there were many good calls before, half of all would take long. */
const IN_A_ROW = 10;
const OPEN_MS = 10_000;
/** Of an account a person has to see to. */
const ACCOUNT_OPEN_MS = 60_000;
const LONGEST_OPEN_MS = 300_000;
const JITTER = 0.2;
/** A probe of which nothing is heard for so long does not keep others from trying. */
const PROBE_MS = 60_000;

interface Counted {
  readonly good: number;
  readonly failed: number;
}

export interface Breaker {
  readonly since: number;
  /** Failures since the last good call. */
  readonly inARow: number;
  readonly now: Counted;
  readonly before: Counted;
  /** Set while it is open or a probe is under way. */
  readonly open?: {
    readonly until: number;
    /** How often it has opened without a good call in between. */
    readonly times: number;
    /** Who has the probe, and since when. */
    readonly probe?: { readonly process: string; readonly at: number };
  };
}

const NONE: Counted = { good: 0, failed: 0 };
export const CLOSED: Breaker = { since: 0, inARow: 0, now: NONE, before: NONE };

/** What a process saw of its calls. `unused`: it gives back the probe that it was granted. */
export function heed(
  breaker: Breaker,
  seen: Seen | undefined,
  { time, process, unused }: { readonly time: number; readonly process: string; readonly unused: boolean },
): Breaker {
  const { open } = breaker;
  if (open !== undefined) {
    // Of calls from before it opened nothing new is learnt.
    if (open.probe?.process !== process) return breaker;
    if (seen !== undefined && isBad(seen)) return opened(time, open.times + 1, seen);
    if (seen !== undefined && seen.good > 0) return { ...CLOSED, since: time };
    if (!unused) return breaker;
    const { probe: _given, ...rest } = open;
    return { ...breaker, open: rest };
  }
  if (seen === undefined) return breaker;
  if (isAccount(seen)) return opened(time, 1, seen);
  const counted = add(turned(breaker, time), seen);
  const good = counted.now.good + counted.before.good;
  const failed = counted.now.failed + counted.before.failed;
  const isFailing =
    counted.inARow >= IN_A_ROW || (failed >= LEAST_FAILURES && failed / (good + failed) >= FAILING_SHARE);
  return isFailing && seen.failed > 0 ? opened(time, 1, seen) : counted;
}

/** What an ask for calls meets. */
export function lookAt(
  { open }: Breaker,
  time: number,
):
  | { readonly kind: 'closed' }
  | { readonly kind: 'open'; readonly forMs: number }
  | { readonly kind: 'probe' } {
  if (open === undefined) return { kind: 'closed' };
  if (time < open.until) return { kind: 'open', forMs: open.until - time };
  if (open.probe !== undefined && time - open.probe.at < PROBE_MS) return { kind: 'open', forMs: 0 };
  return { kind: 'probe' };
}

export function probed(breaker: Breaker, process: string, time: number): Breaker {
  const { open } = breaker;
  return open === undefined ? breaker : { ...breaker, open: { ...open, probe: { process, at: time } } };
}

function opened(time: number, times: number, seen: Seen): Breaker {
  const base = isAccount(seen) ? ACCOUNT_OPEN_MS : OPEN_MS;
  const whole = Math.min(LONGEST_OPEN_MS, base * 2 ** Math.min(times - 1, 10));
  // Follows from the time, so that it is the same however often it is worked out.
  const share = ((Math.floor(time) * 7_919) % 1_000) / 1_000;
  return { ...CLOSED, since: time, open: { until: time + whole * (1 - JITTER + 2 * JITTER * share), times } };
}

function isAccount({ account = 0 }: Seen): boolean {
  return account > 0;
}

function isBad(seen: Seen): boolean {
  return seen.failed > 0 || isAccount(seen);
}

function turned(breaker: Breaker, time: number): Breaker {
  const passed = time - breaker.since;
  if (passed < WINDOW_MS) return breaker;
  const before = passed < 2 * WINDOW_MS ? breaker.now : NONE;
  return { since: time, inARow: breaker.inARow, now: NONE, before };
}

function add({ since, inARow, now, before }: Breaker, { good, failed }: Seen): Breaker {
  const row = good > 0 ? 0 : inARow + failed;
  return { since, before, inARow: row, now: { good: now.good + good, failed: now.failed + failed } };
}

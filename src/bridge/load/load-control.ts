// How much of what it may hold at once a process takes on. Pure, and TCP's way: what is unproven begins small and doubles with
// each round that went well, up to where it went wrong the last time; beyond that it grows slowly; trouble halves it. Locks that
// ran out, or nearly, and batches that took a good part of a lock are trouble; a late event loop says that more would be.

/** What was seen in one window. */
export interface Observed {
  /** Locks that were lost because their time was over. */
  readonly lost: number;
  /** Renewals that came with hardly anything of the lock left. */
  readonly near: number;
  /** Batches of messages, from received to committed, and those that took a good part of a lock. */
  readonly served: number;
  readonly slow: number;
  /** How late the event loop was, at worst. */
  readonly lagMs: number;
}

/** Parts of all that may be held, above 0 and at most 1. */
export interface Share {
  readonly now: number;
  /** TCP's slow-start threshold: half of what was held when it last was too much. Below it growth is quick. */
  readonly threshold: number;
}

export const WINDOWS_PER_LOCK = 10;
/** Part of a lock. Less left at a renewal is nearly lost; a batch that takes more is slow. */
export const NEAR = 0.2;
export const SLOW = 0.25;
/** One that took less was in time, and proves that there may be more. */
export const IN_TIME = 0.5;
const CUT = 0.5;
/** What a quiet window adds. Tasks run for minutes, and some sessions wait: nothing but time can say that they go well. */
const STEP = 0.04;
/** One of the 64 sessions of a type, by default: what a batch that went well adds. */
const GRAIN = 1 / 64;
/** A lag by itself may be the neighbours' work: holding even less would not end it. */
const LEAST_BY_LAG = 0.125;
/** Parts of a lock: beyond the first nothing is added, beyond the second some is given up. */
const LAG_HOLD = 0.05;
const LAG_CUT = 0.15;
/** A few slow batches may be slow machines. */
const FEW = 4;
/** One of the 2,000 sessions that can be configured. */
const LEAST_SHARE = 1 / 2_000;

/** Of a process that has shown nothing yet: it is as cold as it will ever be, and may have been restarted because of its load. */
export const UNPROVEN: Share = { now: 1 / 8, threshold: 1 };
export const WHOLE: Share = { now: 1, threshold: 1 };

/** After a window of time. */
export function nextShare(share: Share, seen: Observed, lockMs: number): Share {
  const { now } = share;
  const isSlow = seen.slow >= FEW && seen.slow * 2 >= seen.served;
  if (seen.lost > 0 || seen.near > 0 || isSlow) return cut(now, LEAST_SHARE);
  if (seen.lagMs > lockMs * LAG_CUT) return now > LEAST_BY_LAG ? cut(now, LEAST_BY_LAG) : share;
  return seen.lagMs > lockMs * LAG_HOLD ? share : { ...share, now: Math.min(1, now + STEP) };
}

function cut(now: number, least: number): Share {
  const less = Math.max(least, now * CUT);
  return { now: less, threshold: less };
}

/** Of sessions, after a batch that was in time: for that a late event loop is no matter. */
export function grown(share: Share): Share {
  const { now, threshold } = share;
  if (now === 1) return share;
  const more = now < threshold ? GRAIN : Math.min(GRAIN, (GRAIN * GRAIN) / now);
  return { now: Math.min(1, now + more), threshold };
}

/** Whether anybody has to look whether more or less is allowed. */
export function differs(one: number, other: number): boolean {
  return Math.floor(one / GRAIN) !== Math.floor(other / GRAIN);
}

export function allowedOf(most: number, share: number): number {
  return Math.max(1, Math.floor(most * share));
}

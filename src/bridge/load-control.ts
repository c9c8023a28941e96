// How much of what it may hold at once a process takes on. Pure: additive up, multiplicative down, by what one window of time
// showed. Locks that ran out, or nearly, and batches that took a good part of a lock say that it was too much; a late event
// loop says that more would be.

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

export const WINDOWS_PER_LOCK = 10;
/** Part of a lock. Less left at a renewal is nearly lost; a batch that takes more is slow. */
export const NEAR = 0.2;
export const SLOW = 0.25;
const CUT = 0.5;
const STEP = 0.1;
/** A lag by itself may be the neighbours' work: holding even less would not end it. */
const LEAST_BY_LAG = 0.125;
/** Parts of a lock: beyond the first nothing is added, beyond the second some is given up. */
const LAG_HOLD = 0.05;
const LAG_CUT = 0.15;
/** A few slow batches may be slow machines. */
const FEW = 4;

/** The next share, above 0 and at most 1. */
export function nextShare(share: number, seen: Observed, lockMs: number): number {
  const isSlow = seen.slow >= FEW && seen.slow * 2 >= seen.served;
  if (seen.lost > 0 || seen.near > 0 || isSlow) return Math.max(LEAST_SHARE, share * CUT);
  if (seen.lagMs > lockMs * LAG_CUT) return Math.min(share, Math.max(LEAST_BY_LAG, share * CUT));
  return seen.lagMs > lockMs * LAG_HOLD ? share : Math.min(1, share + STEP);
}

/** One of the 2,000 sessions that can be configured. */
const LEAST_SHARE = 1 / 2_000;

export function allowedOf(most: number, share: number): number {
  return Math.max(1, Math.floor(most * share));
}

// How long a lock is ours, by our own reckoning (I1). Pure: time comes in as instants.

/** One moment on both clocks: the monotonic one stands still in some suspends, the wall clock jumps. */
export interface Instant {
  readonly monotonicMs: number;
  readonly wallMs: number;
  /** The wall clock is virtual: the time that it skips is no time that passed. */
  readonly skips?: boolean;
}

/** Elapsed time by whichever clock saw more of it: too early an end costs a renewal, too late a one costs a state. */
export function elapsedMs(from: Instant, to: Instant): number {
  const monotonicMs = to.monotonicMs - from.monotonicMs;
  return to.skips === true ? monotonicMs : Math.max(monotonicMs, to.wallMs - from.wallMs);
}

/** A lease counts from the instant its request was sent: the broker cannot have granted it earlier. */
export interface Lease {
  readonly sentAt: Instant;
  readonly durationMs: number;
}

export function remainingMs(lease: Lease, now: Instant): number {
  return lease.durationMs - elapsedMs(lease.sentAt, now);
}

/** A write needs this part of the lease still ahead of it: time to reach the broker. */
const COMMIT_MARGIN = 0.1;

export type LeasePhase = 'safe' | 'closing' | 'over';

/** `closing`: still ours, but too late to start a write. */
export function leasePhase(lease: Lease, now: Instant): LeasePhase {
  const left = remainingMs(lease, now);
  if (left <= 0) return 'over';
  return left < lease.durationMs * COMMIT_MARGIN ? 'closing' : 'safe';
}

/** Half of the lease leaves room for several attempts before it is over. */
export function renewInMs(lease: Lease, now: Instant): number {
  return Math.max(0, remainingMs(lease, now) - lease.durationMs / 2);
}

/** Service Bus grants no lock shorter than this: what seems shorter is a clock that runs ahead of the service's. */
const SHORTEST_LOCK_MS = 5_000;
const CLOCK_TOLERANCE_MS = 1_000;

export interface ObservedLock {
  readonly durationMs: number;
  /** Our clock and the service's disagree so much that nothing was learnt. */
  readonly clockAhead: boolean;
}

/**
 * What the entity's own lock seems to be, from the expiry the service names. A lock shorter than configured shortens
 * the lease; a longer one does not lengthen it.
 */
export function observeLock(configuredMs: number, lockedUntilMs: number, wallMs: number): ObservedLock {
  const observed = lockedUntilMs - wallMs;
  if (observed >= configuredMs) return { durationMs: configuredMs, clockAhead: false };
  const shortest = Math.min(SHORTEST_LOCK_MS, configuredMs) - Math.min(CLOCK_TOLERANCE_MS, configuredMs / 2);
  return observed < shortest
    ? { durationMs: configuredMs, clockAhead: true }
    : { durationMs: observed, clockAhead: false };
}

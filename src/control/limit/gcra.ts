// A rate without a window: GCRA. All that is kept of it is one instant, up to which what was granted has been paid for by time. Units
// may be taken as long as that instant lies no further ahead than the burst; an instant in the past is worth nothing, so that an
// idle hour, or a clock that jumps ahead, adds no more than the burst.

export interface Rate {
  readonly perMs: number;
  readonly burstMs: number;
}

/** Units that may be taken now. */
export function room(paidUntil: number, now: number, { perMs, burstMs }: Rate): number {
  return Math.max(0, now + burstMs - Math.max(now, paidUntil)) * perMs;
}

export function take(paidUntil: number, now: number, units: number, { perMs }: Rate): number {
  return Math.max(now, paidUntil) + units / perMs;
}

/** What one request takes that is larger than the burst is taken alone, when all before it is paid; then it is a debt. */
export function fits(paidUntil: number, now: number, units: number, rate: Rate): boolean {
  return paidUntil <= now || room(paidUntil, now, rate) >= units;
}

/** How long until that many fit. */
export function waitFor(paidUntil: number, now: number, units: number, { perMs, burstMs }: Rate): number {
  const alone = paidUntil - now;
  return Math.max(0, Math.min(alone, alone + units / perMs - burstMs));
}

/**
 * Units that were taken and not used. Only those whose time is still to come can be given to others: `paidUntil` as it was right
 * after they were taken says how many that are. What time has passed over is lost, or a window would hold more than the rate.
 */
export function giveBack(
  paidUntil: number,
  now: number,
  units: number,
  takenUntil: number,
  { perMs }: Rate,
): number {
  const ahead = Math.max(0, Math.min(takenUntil, paidUntil) - now);
  return paidUntil - Math.min(units / perMs, ahead);
}

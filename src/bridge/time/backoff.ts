// Growing pauses between failed attempts; small enough to be back within two seconds of a broker's restart.

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;

export interface Backoff {
  /** Pause before the next attempt. Up to a fifth shorter at random, so that many clients do not come at once. */
  next(): number;
  reset(): void;
  readonly failures: number;
}

export function createBackoff(random: () => number = Math.random): Backoff {
  let failures = 0;
  return {
    next() {
      const full = Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS);
      failures += 1;
      return Math.round(full * (1 - random() * 0.2));
    },
    reset() {
      failures = 0;
    },
    get failures() {
      return failures;
    },
  };
}

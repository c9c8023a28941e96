// Waits that end, and growing pauses between failed attempts.
import { setTimeout as sleep } from 'node:timers/promises';

/** Some promises of the SDK never settle once the connection is lost while it closes a link. */
export async function atMost(ms: number, promise: Promise<unknown>): Promise<void> {
  const limit = Promise.withResolvers<void>();
  const timer = setTimeout(limit.resolve, ms);
  await Promise.race([promise.catch(() => {}), limit.promise]);
  clearTimeout(timer);
}

/** What is closed then has been closed at the other end long before, or hangs with its connection. */
const CLOSE_LIMIT_MS = 2_000;

/** Waits for a close of the SDK, which may never settle. A failure to close is ignored: nobody can do anything about it. */
export function closeInTime(closing: Promise<unknown>): Promise<void> {
  return atMost(CLOSE_LIMIT_MS, closing);
}

/** A pause that an abort cuts short. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(() => {});
}

/** One turn of the event loop: what comes in or is called together is handled together. */
export function immediate(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

// Growing pauses between failed attempts; small enough to be back within two seconds of a broker's restart.

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;

interface Backoff {
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

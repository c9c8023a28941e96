// The clocks of a process: its two own, and the broker's as this process can tell it.
import { performance } from 'node:perf_hooks';
import type { Clock } from '../../contract/ports.ts';
import type { Instant } from './lease.ts';

// The two clocks of this process, read together.

export interface TimeSource {
  instant(): Instant;
}

export function createTimeSource(clock: Clock = { now: Date.now }): TimeSource {
  const { skips = false } = clock;
  return { instant: () => ({ monotonicMs: performance.now(), wallMs: clock.now(), skips }) };
}

// One clock for all processes: the broker's, as this one can tell it. A lock that has just been granted says what time it was
// there: its end less its duration. The news took a while to get here, so what it says is never too late; of several the one
// that took least says most. In between, this process's monotonic clock continues from there. Leases are reckoned apart from
// this (I1).

/** News of the last one to two of these count: a clock that was set, or drifts, is followed within them. */
const WINDOW_MS = 5_000;
/** So much less than it has shown before, and the clock stands still until it is there; more, and it is set back. */
const MAX_STANDSTILL_MS = 5_000;
/** Beyond this somebody should know, once it has been so for a while. */
const MAX_SKEW_MS = 5_000;
const SURE_MS = 2_000;

interface BrokerClockOptions {
  /** This machine's, until the broker's is known. One that skips is the broker's own. */
  readonly system: Clock;
  readonly monotonic?: () => number;
  /** Called once: how far this machine's clock is ahead of the broker's. */
  readonly onSkew: (aheadMs: number) => void;
}

export interface BrokerClock extends Clock {
  /** A lock that has just been granted or renewed: when it was, by the broker's clock. */
  granted(brokerMs: number): void;
  /** The broker's clock has shown this, however long ago. */
  reached(brokerMs: number): void;
}

export function createBrokerClock(options: BrokerClockOptions): BrokerClock {
  const { system, monotonic = () => performance.now(), onSkew } = options;
  if (system.skips === true) return { ...system, granted: () => {}, reached: () => {} };

  /** Broker's clock less monotonic clock: the most that news of this window, and of the one before, says. */
  let current = Number.NEGATIVE_INFINITY;
  let previous = Number.NEGATIVE_INFINITY;
  let windowBegan = Number.NEGATIVE_INFINITY;
  let shown = Number.NEGATIVE_INFINITY;
  let aheadSince: number | undefined;
  let warned = false;

  const offset = (): number => Math.max(current, previous);
  const isKnown = (): boolean => offset() > Number.NEGATIVE_INFINITY;
  const look = (): void => {
    const now = monotonic();
    const ahead = system.now() - (now + offset());
    if (ahead < MAX_SKEW_MS) aheadSince = undefined;
    else aheadSince ??= now;
    // Ahead seems also who got late news; behind is behind.
    const isSure = ahead < 0 || (aheadSince !== undefined && now - aheadSince >= SURE_MS);
    if (warned || Math.abs(ahead) < MAX_SKEW_MS || !isSure) return;
    warned = true;
    onSkew(ahead);
  };

  return {
    now() {
      const estimate = isKnown() ? monotonic() + offset() : system.now();
      if (estimate > shown || shown - estimate > MAX_STANDSTILL_MS) shown = estimate;
      return Math.floor(shown);
    },
    granted(brokerMs) {
      if (!Number.isFinite(brokerMs)) return;
      const now = monotonic();
      // What was shown until now was another clock.
      if (!isKnown()) shown = Number.NEGATIVE_INFINITY;
      if (now - windowBegan >= WINDOW_MS) {
        previous = now - windowBegan < 2 * WINDOW_MS ? current : Number.NEGATIVE_INFINITY;
        current = Number.NEGATIVE_INFINITY;
        windowBegan = now;
      }
      current = Math.max(current, brokerMs - now);
      look();
    },
    reached(brokerMs) {
      // Before the first lock it would say nothing: it may be long ago.
      if (isKnown() && Number.isFinite(brokerMs)) current = Math.max(current, brokerMs - monotonic());
    },
  };
}

/** For readers of the log. */
export function skewText(aheadMs: number): string {
  const seconds = Math.round(Math.abs(aheadMs) / 1_000);
  const which = aheadMs > 0 ? 'ahead of' : 'behind';
  return `this machine's clock is ${seconds} s ${which} the broker's: Quorate goes by the broker's, but times in logs and in agents' own code are off; synchronise it with NTP`;
}

/** What a test steers from outside the wire: the broker's time, and what goes wrong. */
import type { Faults } from './fault.ts';

export interface AdvanceOptions {
  /** How long a client may sit on a message without anything else happening before `advance` gives up; default 10 s. */
  readonly patienceMs?: number;
}

export interface BrokerControl {
  /**
   * Skips virtual time: from one due entry to the next, and on only when what it set off has been handled. Resolves
   * with the new time. Throws BROKER_NOT_QUIET, with the time where it got to, and BROKER_CLOCK_REAL without a
   * virtual clock.
   */
  advance(ms: number, options?: AdvanceOptions): Promise<number>;
  /** When the next entry is due (a scheduled message, an expiry, a lock whose link is gone); undefined = nothing is. */
  nextDue(): Promise<number | undefined>;
  readonly faults: Faults;
}

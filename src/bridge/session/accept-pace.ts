// How many accepts to have under way. Each is a long poll with a link of its own, so few are kept while nothing comes;
// when sessions come at once their number doubles, so that a burst is picked up in a few round trips.

const FEWEST = 1;
const AT_START = 2;
const MOST = 16;
/** An accept that took longer had to wait for a message. */
const AT_ONCE_MS = 100;

export interface AcceptPace {
  /** Accepts that may be under way now. */
  readonly allowed: number;
  accepted(tookMs: number): void;
  /** A long poll ended with nothing. */
  nothingCame(): void;
}

export function createAcceptPace(): AcceptPace {
  let allowed = AT_START;
  return {
    get allowed() {
      return allowed;
    },
    accepted(tookMs) {
      if (tookMs <= AT_ONCE_MS) allowed = Math.min(MOST, allowed * 2);
    },
    nothingCame() {
      allowed = Math.max(FEWEST, allowed - 1);
    },
  };
}

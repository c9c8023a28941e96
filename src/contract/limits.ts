// Limits as people see and change them while they run (docs/control.md).

/** What a limit is changed to; what is left out stays as it is. */
export interface LimitChange {
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  readonly concurrent?: number;
}

/** How a limit is now: what counts, and what keeps calls from beginning. */
export interface LimitStatus {
  /** What counts now. */
  readonly settings: LimitChange;
  /** Of the configuration, or one more than that it was changed over. */
  readonly revision: number;
  /** By people: nothing begins. */
  readonly stopped: boolean;
  /** How long nothing begins, ms: because the other side asked to wait, its breaker is open, or it is stopped. */
  readonly pausedMs: number;
  readonly breaker: 'closed' | 'open' | 'probing';
  /** The share of the rate that is used now: less than 1 after the other side has said that it was too much. */
  readonly used: number;
  /** Processes that were heard lately. */
  readonly processes: number;
}

/** Limits by name, as far as a process has asked for them: what `quorate limits` does. A client has it as `client.limits`. */
export interface SharedLimits {
  /** Names, sorted. */
  list(): Promise<readonly string[]>;
  /** Throws LIMIT_NOT_FOUND, or RESULT_TIMEOUT where no host of it runs. */
  get(name: string, options?: LimitCall): Promise<LimitStatus>;
  /** Changes it for all processes at once. It counts until it is changed again, or a configuration has a higher `revision`. */
  set(name: string, change: LimitChange, options?: LimitCall): Promise<LimitStatus>;
  /** Nothing of it begins until it is resumed; what runs runs to its end. */
  pause(name: string, options?: LimitCall): Promise<LimitStatus>;
  resume(name: string, options?: LimitCall): Promise<LimitStatus>;
}

/** How long a call about a limit waits: `signal` ends it with ABORTED, `timeoutMs` with RESULT_TIMEOUT. */
export interface LimitCall {
  readonly signal?: AbortSignal;
  /** Default 60,000. */
  readonly timeoutMs?: number;
}

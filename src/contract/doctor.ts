// What `quorate doctor` finds: one line a check, with what to do where something is wrong.

export interface Finding {
  readonly check: 'reachable' | 'rights' | 'tier' | 'entities' | 'settings' | 'clock' | 'fencing';
  /** 'unknown' = it could not be looked at with these rights. */
  readonly status: 'ok' | 'wrong' | 'unknown';
  readonly text: string;
  /** What to do; absent when all is well. */
  readonly fix?: string;
}

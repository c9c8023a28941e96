// What a bridge counts of its sessions, and how much it takes on: for who wants to see it.

export interface SessionCounts {
  accepted: number;
  /** Renewals of locks. */
  renewed: number;
  /** Sessions that ended while they were held: by time, or with the connection. */
  lost: number;
}

export interface BridgeReadings {
  /** By entity. */
  readonly sessions: ReadonlyMap<string, SessionCounts>;
  /** Parts of what may be held at once, above 0 and at most 1. */
  readonly share: { readonly sessions: number; readonly tasks: number };
}

/** Where nobody reads them. */
export function newSessionCounts(): SessionCounts {
  return { accepted: 0, renewed: 0, lost: 0 };
}

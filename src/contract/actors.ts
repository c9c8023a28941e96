// Actors as people handle them: listed, released from quarantine, removed.
export interface ActorPage {
  /** Ids of actors that live or are remembered; some of them may have been forgotten just now. */
  readonly ids: readonly string[];
  /** Where the next page begins; absent at the end. */
  readonly next?: number;
}

export interface RemedyCall {
  readonly signal?: AbortSignal;
  /** Default 60,000. */
  readonly timeoutMs?: number;
}

export interface Actors {
  list(type: string, options?: { readonly from?: number; readonly limit?: number }): Promise<ActorPage>;
  /**
   * Releases a quarantined actor: what waited is applied, in order, before anything newer. Throws ACTOR_NOT_FOUND, and
   * the reason of the quarantine when it is still there.
   */
  release(type: string, id: string, options?: RemedyCall): Promise<void>;
  /** Stops an actor, tells all that wait for it, and forgets it at once: its id is free. Throws ACTOR_NOT_FOUND. */
  purge(type: string, id: string, options?: RemedyCall): Promise<void>;
}

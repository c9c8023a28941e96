/**
 * Ends the hold of a session: its lock is gone (I1), or what its actor needs is not there now. Thrown where that is found, after
 * it was said; hold.ts catches it, and nothing in between has to hand it on. What was in hand stays for the next holder.
 */
export class HoldEnded extends Error {
  override readonly name = 'HoldEnded';

  constructor() {
    super('the session is not held any more');
  }
}

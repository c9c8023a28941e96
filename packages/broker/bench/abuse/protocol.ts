// What the bench and its probe say to each other.

export const PROBE_QUEUE = 'probe';

export interface ProbeResult {
  /** Milliseconds from the call to the message that came back and was completed, of every round. */
  readonly rounds: readonly number[];
  /** What went wrong. */
  readonly errors: readonly string[];
}

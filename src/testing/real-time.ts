// Real time in an exploration, whose own time is virtual: as this process lived it, and too much of it.
import { QuorateError } from '../contract/errors.ts';

// Time as this process lived it: a pause that took longer than it should, because the machine gave the processor to others,
// counts for little more than it was meant to last. What waits for others in the same process measures its patience so: a
// busy machine slows them down and the patience alike.

/** A pause of the event loop may well be late by as much again. */
const MOST_PER_PAUSE = 2;
/** Between two looks at a world that is waited for. */
export const LOOK_MS = 10;

export class LivedTime {
  #lookedAt = performance.now();
  #lived = 0;

  /** Ms lived since the start. Call it after each pause, with how long the pause was meant to be. */
  look(pauseMs: number): number {
    const now = performance.now();
    this.#lived += Math.min(now - this.#lookedAt, MOST_PER_PAUSE * pauseMs);
    this.#lookedAt = now;
    return this.#lived;
  }
}

// A run that took too long in real time: that says as much of the machine as of the scenario, so it is told apart from a run
// that came to another end.

export class TookTooLong extends Error {
  override readonly name = 'TookTooLong';
}

/** Why a run that failed so was late, or undefined where time had no part in it. */
export function whyLate(error: unknown): string | undefined {
  if (error instanceof TookTooLong) return error.message;
  // The only limit of a client's own calls that is kept in real time.
  if (error instanceof QuorateError && error.code === 'RESULT_TIMEOUT') return error.message;
  return undefined;
}

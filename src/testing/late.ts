// A run that took too long in real time: that says as much of the machine as of the scenario, so it is told apart from a run
// that came to another end.
import { QuorateError } from '../contract/errors.ts';

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

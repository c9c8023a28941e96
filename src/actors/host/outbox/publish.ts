// Publishes: what was committed, after the commit and before anything is settled (I2), and the answers that belong to no commit.
import type { HeldActor } from '../held-actor.ts';
import type { OutboxEntry } from '../state/session-state.ts';
import { carryOut } from './carry-out.ts';
import { standStill } from './undelivered.ts';

/**
 * Publishes the outbox of the last commit, which stays in the state until the next commit replaces it. What its target refuses
 * stays with the actor, which stands still.
 */
export async function publishCommitted(held: HeldActor, unfinished = 0): Promise<void> {
  const { left, refusal } = await carryOut(held, held.state.outbox, { committed: true, unfinished });
  if (refusal !== undefined) await standStill(held, left, refusal);
}

/** Sends answers, which no state holds. Those that their target refuses are logged and dropped. */
export async function sendAnswers(held: HeldActor, entries: readonly OutboxEntry[]): Promise<void> {
  const { refusal } = await carryOut(held, entries, { committed: false });
  if (refusal !== undefined) held.warn('an answer was not sent', refusal);
}

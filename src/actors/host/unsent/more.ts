// Sends the next slice of what is unsent, for messages of the actor to itself: they anchor it (I5). A batch does it when its
// inputs are applied and its questions answered.
import type { InboundMessage } from '../../../contract/wire.ts';
import type { HeldActor } from '../held-actor.ts';
import { publishCommitted } from '../outbox/publish.ts';
import { completed, type Settlement } from '../settle.ts';
import { isStandingStill, park } from '../standstill/quarantine.ts';
import { nextSlice } from './unsent.ts';

/** Gives how the messages are to be settled. */
export async function sendMore(
  held: HeldActor,
  messages: readonly InboundMessage[],
): Promise<readonly Settlement[]> {
  const { state, address } = held;
  if (isStandingStill(state)) return park(held, messages);
  const settlements = messages.map(completed);
  const next = nextSlice(state, address);
  if (next === state) return settlements;
  const { inbox, forgets } = held.recorded(settlements);
  await held.commit({ ...next, inbox }, forgets);
  await publishCommitted(held);
  return settlements;
}

// Sends the next slice of what is unsent, for messages of the actor to itself and for grants: they anchor it (I5). A batch does it when
// its inputs are applied and its questions answered.
import type { GrantedBody, InboundMessage } from '../../../contract/wire.ts';
import { concludeBudget } from '../budget/budget.ts';
import type { HeldActor } from '../held-actor.ts';
import { publishCommitted } from '../outbox/publish.ts';
import { completed, type Settlement } from '../settle.ts';
import { isStandingStill, park } from '../standstill/quarantine.ts';
import { nextSlice } from './unsent.ts';

/** One to itself, or a grant. */
export interface More {
  readonly message: InboundMessage;
  readonly grant?: GrantedBody;
}

/** Gives how the messages are to be settled. */
export async function sendMore(held: HeldActor, mores: readonly More[]): Promise<readonly Settlement[]> {
  const { state, host, address: actor } = held;
  const messages = mores.map(({ message }) => message);
  if (isStandingStill(state)) return park(held, messages);
  const settlements = messages.map(completed);
  const grants = mores.flatMap(({ grant }) => grant ?? []);
  const now = host.clock.now();
  const next = nextSlice(state, grants, { actor, gates: host.gates, now });
  if (next === state) return settlements;
  const { inbox, forgets } = held.recorded(settlements);
  await held.commit({ ...concludeBudget(next, actor, now), inbox }, forgets);
  await publishCommitted(held);
  return settlements;
}

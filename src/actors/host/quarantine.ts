// Quarantine: an actor that cannot continue stands still, and its messages are parked in the broker (deferred), in the order in
// which they came. Once the cause is fixed it is released, and they are applied before anything newer (catch-up.ts).
import type { ErrorJson } from '../../contract/outcome.ts';
import type { Disposition } from '../../contract/ports.ts';
import type { InboundMessage } from '../../contract/wire.ts';
import type { HeldActor } from './held-actor.ts';
import type { Quarantine, SessionState } from './session-state.ts';
import { BOUNDS } from './session-state.ts';
import type { Settlement } from './settle.ts';
import { toDifferences } from './written-state.ts';

const MAX_MESSAGE_LENGTH = 4_000;
const DEFER: Disposition = { kind: 'defer' };

export function isStandingStill(state: SessionState): boolean {
  return state.quarantine !== undefined && state.quarantine.releasing !== true;
}

/** Begins a quarantine, or ends the attempt to leave one. */
function withQuarantine(state: SessionState, { code, message }: ErrorJson, now: number): SessionState {
  const { parked = [], since = now } = state.quarantine ?? {};
  // Every message that is parked or refused says it again.
  return { ...state, quarantine: { code, message: message.slice(0, MAX_MESSAGE_LENGTH), since, parked } };
}

/** Parks these messages behind those that are parked already, if the actor stands still; what does not fit is dead-lettered. */
export async function park(
  held: HeldActor,
  messages: readonly InboundMessage[],
  state: SessionState = held.state,
): Promise<readonly Settlement[]> {
  const standing = state.quarantine;
  if (standing === undefined || messages.length === 0) return [];
  const numbers = withRoomFor(standing.parked, messages);
  const known = new Set(numbers);
  const settlements = messages.map((message): Settlement => {
    const fits = known.has(message.sequenceNumber);
    return { message, disposition: fits ? DEFER : overflow(standing) };
  });
  const { inbox, forgets } = held.recorded(settlements);
  // Attempts of what is parked are counted anew when it is released: the fault may be fixed by then.
  const attempts = Object.entries(state.attempts).filter(([number]) => !known.has(Number(number)));
  const next: SessionState = {
    ...state,
    inbox,
    attempts: Object.fromEntries(attempts),
    quarantine: { ...standing, parked: numbers },
  };
  await held.commit(next, forgets);
  return settlements;
}

/** Parked so far, and as many of these as there is room for; ascending. */
function withRoomFor(parked: readonly number[], messages: readonly InboundMessage[]): number[] {
  const known = new Set(parked);
  const ascending = (): number[] => [...known].sort((a, b) => a - b);
  const added = messages.map(({ sequenceNumber }) => sequenceNumber).filter((number) => !known.has(number));
  for (const number of added) if (known.size < BOUNDS.parked) known.add(number);
  let numbers = ascending();
  for (let last = added.pop(); last !== undefined; last = added.pop()) {
    if (toDifferences(numbers).length <= BOUNDS.parkedBytes) break;
    known.delete(last);
    numbers = ascending();
  }
  return numbers;
}

function overflow({ code, message, parked }: Quarantine): Disposition {
  return {
    kind: 'deadLetter',
    reason: 'ACTOR_QUARANTINED',
    description: `${parked.length} messages wait already, for the actor stands still: ${code}: ${message}`,
  };
}

/** The actor cannot continue: says so, once, and parks these messages. */
export async function quarantine(
  held: HeldActor,
  error: ErrorJson,
  messages: readonly InboundMessage[] = [],
): Promise<readonly Settlement[]> {
  held.host.logger.error(`quarantined: ${error.message}`, { code: error.code, actor: held.name });
  const state = withQuarantine(held.state, error, held.host.clock.now());
  if (messages.length > 0) return park(held, messages, state);
  await held.commit(state);
  return [];
}

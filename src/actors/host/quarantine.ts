// Quarantine: an actor that cannot continue stands still, and its messages are deferred in the order in which they came. Once
// the cause is fixed it is released, and they are applied before anything newer.
import type { ErrorJson } from '../../contract/outcome.ts';
import type { Disposition } from '../../contract/ports.ts';
import type { InboundMessage } from '../../contract/wire.ts';
import type { HeldActor, Progress, Settlement } from './held-actor.ts';
import { record } from './inbox.ts';
import type { Quarantine, SessionState } from './session-state.ts';
import { BOUNDS } from './session-state.ts';
import { toDifferences } from './written-state.ts';

const MAX_MESSAGE_LENGTH = 4_000;
const DEFER: Disposition = { kind: 'defer' };

export function isStandingStill(state: SessionState): boolean {
  return state.quarantine !== undefined && state.quarantine.releasing !== true;
}

/** Begins a quarantine, or ends the attempt to leave one. */
function withQuarantine(state: SessionState, { code, message }: ErrorJson, now: number): SessionState {
  const { held = [], since = now } = state.quarantine ?? {};
  // Every message that is held or refused says it again.
  return { ...state, quarantine: { code, message: message.slice(0, MAX_MESSAGE_LENGTH), since, held } };
}

/** Puts these messages behind those that are held already; what does not fit is dead-lettered. */
export async function holdBack(
  held: HeldActor,
  messages: readonly InboundMessage[],
  settlements: Settlement[],
): Promise<Progress> {
  const { state, host } = held;
  const standing = state.quarantine;
  if (standing === undefined || messages.length === 0) return 'held';
  const numbers = withRoomFor(standing.held, messages);
  const known = new Set(numbers);
  const judged = messages.map((message): Settlement => {
    const fits = known.has(message.sequenceNumber);
    return { message, disposition: fits ? DEFER : overflow(standing) };
  });
  const inbox = record(state.inbox, judged, held.settled, host.clock.now(), host);
  // Attempts of what is held are counted anew when it is released: the fault may be fixed by then.
  const attempts = Object.entries(state.attempts).filter(([number]) => !known.has(Number(number)));
  const next: SessionState = {
    ...state,
    inbox,
    attempts: Object.fromEntries(attempts),
    quarantine: { ...standing, held: numbers },
  };
  const settled = [...held.settled];
  if ((await held.commit(next)) === 'lost') return 'lost';
  for (const number of settled) held.settled.delete(number);
  settlements.push(...judged);
  return 'held';
}

/** Held so far, and as many of these as there is room for; ascending. */
function withRoomFor(held: readonly number[], messages: readonly InboundMessage[]): number[] {
  const known = new Set(held);
  const ascending = (): number[] => [...known].sort((a, b) => a - b);
  const added = messages.map(({ sequenceNumber }) => sequenceNumber).filter((number) => !known.has(number));
  for (const number of added) if (known.size < BOUNDS.held) known.add(number);
  let numbers = ascending();
  for (let last = added.pop(); last !== undefined; last = added.pop()) {
    if (toDifferences(numbers).length <= BOUNDS.heldBytes) break;
    known.delete(last);
    numbers = ascending();
  }
  return numbers;
}

function overflow({ code, message, held }: Quarantine): Disposition {
  return {
    kind: 'deadLetter',
    reason: 'ACTOR_QUARANTINED',
    description: `${held.length} messages wait already, for the actor stands still: ${code}: ${message}`,
  };
}

/** The actor cannot continue: says so, once, and holds these messages back. */
export async function quarantine(
  held: HeldActor,
  error: ErrorJson,
  messages: readonly InboundMessage[],
  settlements: Settlement[],
): Promise<Progress> {
  held.host.logger.error(`quarantined: ${error.message}`, { code: error.code, actor: held.name });
  const next = withQuarantine(held.state, error, held.host.clock.now());
  if (messages.length === 0) return held.commit(next);
  held.state = next;
  return holdBack(held, messages, settlements);
}

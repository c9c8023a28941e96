// Quarantine: an actor that cannot continue stands still, and its messages are parked in the broker (deferred), in the order in
// which they came. Once the cause is fixed it is released, and they are applied before anything newer (`catchUp`).
import type { ErrorJson } from '../../../contract/outcome.ts';
import type { Disposition } from '../../../contract/ports.ts';
import type { InboundMessage } from '../../../contract/wire.ts';
import type { HeldActor } from '../held-actor.ts';
import type { Settlement } from '../settle.ts';
import { BOUNDS, type Quarantine, type SessionState } from '../state/session-state.ts';
import { toDifferences } from '../state/written-state.ts';

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
  if (!isStandingStill(held.state)) held.host.metrics.quarantines.add();
  const state = withQuarantine(held.state, error, held.host.clock.now());
  if (messages.length > 0) return park(held, messages, state);
  await held.commit(state);
  return [];
}

// A released actor catches up: what was parked is fetched by number and applied, in order, slice by slice.

/** Messages fetched and applied at a time. */
const SLICE = 64;

/** What the batch whose message anchors all of it does with a slice (I5). */
interface CatchUpSteps {
  /** Gives those that are there, their deferral confirmed. */
  readonly fetch: (numbers: readonly number[]) => Promise<readonly InboundMessage[]>;
  readonly apply: (messages: readonly InboundMessage[]) => Promise<void>;
  /** What has become of these, before the next ones. */
  readonly settle: (numbers: ReadonlySet<number>) => Promise<void>;
}

/** Ends with the quarantine, or with a new one. A crash anywhere in between repeats the slice, whose inputs are recorded. */
export async function catchUp(held: HeldActor, { fetch, apply, settle }: CatchUpSteps): Promise<void> {
  for (;;) {
    const standing = held.state.quarantine;
    if (standing?.releasing !== true) return;
    const slice = standing.parked.slice(0, SLICE);
    if (slice.length === 0) return held.commit(withoutQuarantine(held.state));
    const found = await fetch(slice);
    if (found.length > 0) await apply(found);
    const numbers = new Set(slice);
    await settle(numbers);
    if (held.isLost) held.end();
    // Quarantined again: they were put back.
    if (held.state.quarantine?.releasing !== true) return;
    // One that was not there may still come as an active message: then it is as good as new.
    await held.commit(without(held.state, numbers), numbers);
  }
}

function without(state: SessionState, numbers: ReadonlySet<number>): SessionState {
  const { quarantine: standing, inbox } = state;
  if (standing === undefined) return state;
  return {
    ...state,
    inbox: { ...inbox, unsettled: inbox.unsettled.filter(([number]) => !numbers.has(number)) },
    quarantine: { ...standing, parked: standing.parked.filter((number) => !numbers.has(number)) },
  };
}

function withoutQuarantine(state: SessionState): SessionState {
  const { quarantine: _, ...rest } = state;
  return rest;
}

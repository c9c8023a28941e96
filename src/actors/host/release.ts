// A released actor catches up: what was held back is fetched by number and applied, in order, slice by slice.
import type { InboundMessage } from '../../contract/wire.ts';
import type { HeldActor, Progress, Settlement } from './held-actor.ts';
import type { SessionState } from './session-state.ts';

/** Messages fetched and applied at a time. */
const SLICE = 64;

export interface Release {
  readonly held: HeldActor;
  readonly settlements: Settlement[];
  /** Gives those that are there, their deferral confirmed. */
  readonly fetch: (numbers: readonly number[]) => Promise<readonly InboundMessage[]>;
  readonly apply: (messages: readonly InboundMessage[]) => Promise<Progress>;
}

/** Ends with the quarantine, or with a new one. A crash anywhere in between repeats the slice, whose inputs are recorded. */
export async function applyHeld({ held, settlements, fetch, apply }: Release): Promise<Progress> {
  for (;;) {
    const { quarantine } = held.state;
    if (quarantine?.releasing !== true) return 'held';
    const slice = quarantine.held.slice(0, SLICE);
    if (slice.length === 0) return held.commit(withoutQuarantine(held.state));
    const found = await fetch(slice);
    if (found.length > 0 && (await apply(found)) === 'lost') return 'lost';
    const numbers = new Set(slice);
    const due = settlements.filter(({ message }) => numbers.has(message.sequenceNumber));
    for (const settlement of due) settlements.splice(settlements.indexOf(settlement), 1);
    await held.settleNow(due);
    if (held.lost) return 'lost';
    // Quarantined again: they were put back.
    if (held.state.quarantine?.releasing !== true) return 'held';
    // One that was not there may still come as an active message: then it is as good as new.
    if ((await held.commit(without(held.state, numbers))) === 'lost') return 'lost';
    for (const number of numbers) held.settled.delete(number);
  }
}

function without(state: SessionState, numbers: ReadonlySet<number>): SessionState {
  if (state.quarantine === undefined) return state;
  const { quarantine, inbox } = state;
  return {
    ...state,
    inbox: { ...inbox, unsettled: inbox.unsettled.filter(([number]) => !numbers.has(number)) },
    quarantine: { ...quarantine, held: quarantine.held.filter((number) => !numbers.has(number)) },
  };
}

function withoutQuarantine(state: SessionState): SessionState {
  return Object.fromEntries(
    Object.entries(state).filter(([field]) => field !== 'quarantine'),
  ) as unknown as SessionState;
}

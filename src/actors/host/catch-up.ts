// A released actor catches up: what was parked is fetched by number and applied, in order, slice by slice.
import type { InboundMessage } from '../../contract/wire.ts';
import type { HeldActor } from './held-actor.ts';
import type { SessionState } from './session-state.ts';

/** Messages fetched and applied at a time. */
const SLICE = 64;

/** What the batch whose message anchors all of it does with a slice (I5). */
export interface CatchUpSteps {
  /** Gives those that are there, their deferral confirmed. */
  readonly fetch: (numbers: readonly number[]) => Promise<readonly InboundMessage[]>;
  readonly apply: (messages: readonly InboundMessage[]) => Promise<void>;
  /** What has become of these, before the next ones. */
  readonly settle: (numbers: ReadonlySet<number>) => Promise<void>;
}

/** Ends with the quarantine, or with a new one. A crash anywhere in between repeats the slice, whose inputs are recorded. */
export async function catchUp(held: HeldActor, { fetch, apply, settle }: CatchUpSteps): Promise<void> {
  for (;;) {
    const { quarantine } = held.state;
    if (quarantine?.releasing !== true) return;
    const slice = quarantine.parked.slice(0, SLICE);
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
  if (state.quarantine === undefined) return state;
  const { quarantine, inbox } = state;
  return {
    ...state,
    inbox: { ...inbox, unsettled: inbox.unsettled.filter(([number]) => !numbers.has(number)) },
    quarantine: { ...quarantine, parked: quarantine.parked.filter((number) => !numbers.has(number)) },
  };
}

function withoutQuarantine(state: SessionState): SessionState {
  const { quarantine: _, ...rest } = state;
  return rest;
}

// A child's snapshot on its way to the parent that follows it (onSnapshot): JSON between the two, and at the parent with
// the questions that one asks of a snapshot in XState.
import type { StateValue } from 'xstate';
import { matchesState } from 'xstate';
import type { Json } from '../../contract/json.ts';
import type { CoreState } from '../../contract/turn.ts';
import type { AddressOf } from './references.ts';
import { mapReferences } from './references.ts';

interface SentSnapshot {
  readonly status: Json;
  readonly value: Json;
  readonly context: Json;
  readonly tags: readonly string[];
}

export function toSentSnapshot(state: CoreState, addressOf: AddressOf): Json {
  const { status, value, context } = state.snapshot as { status: Json; value: Json; context: Json };
  // The child's references mean nothing to its parent.
  const known = mapReferences(context, (id) => addressOf(id) ?? null) as Json;
  return { status, value, context: known, tags: state.tags };
}

/** Methods are not enumerable: a context that keeps the snapshot keeps its data. */
export function toMachineSnapshot(sent: Json): object {
  const snapshot = { ...(sent as unknown as SentSnapshot) };
  const { value, tags } = snapshot;
  return Object.defineProperties(snapshot, {
    matches: { value: (tested: StateValue) => matchesState(tested, value as StateValue) },
    hasTag: { value: (tag: string) => tags.includes(tag) },
  });
}

// What a new holder concludes from the first messages that come (I2, I4). A session gives its active messages in the order
// of their numbers, and a turn's anchor is settled after everything else (I5).
import type { InboundMessage } from '../../contract/wire.ts';
import { judge } from './inbox.ts';
import type { SessionState } from './session-state.ts';

/** An outbox is known to have left when none of its inputs came and something behind all of them did. */
export function mayBeUnsent(state: SessionState, first: readonly InboundMessage[]): boolean {
  if (state.outbox.length === 0) return false;
  // No message tells: it is of a migration.
  if (state.movedAt !== undefined && state.movedAt === state.core?.turn) return true;
  if (first.some((message) => judge(state.inbox, message).kind === 'recorded')) return true;
  const last = Math.max(...state.inbox.unsettled.map(([number]) => number));
  return !first.some(({ sequenceNumber }) => sequenceNumber > last);
}

/** How often a holder was gone before the outbox had left: its inputs were delivered so often. */
export function unfinished({ inbox }: SessionState, first: readonly InboundMessage[]): number {
  const recorded = new Set(inbox.unsettled.map(([number]) => number));
  const counts = first
    .filter(({ sequenceNumber }) => recorded.has(sequenceNumber))
    .map(({ deliveryCount }) => deliveryCount);
  return Math.max(0, ...counts);
}

/** Numbers that the state still remembers and that lie before the first message to come: settled by an earlier holder. */
export function settledBefore(state: SessionState, first: readonly InboundMessage[]): number[] {
  const head = Math.min(...first.map(({ sequenceNumber }) => sequenceNumber));
  const deferred = new Set([...Object.values(state.deferred), ...(state.quarantine?.parked ?? [])]);
  const recorded = state.inbox.unsettled.flatMap(([number, { kind }]) =>
    // A deferred message is not among the active ones: only its deferral is proved, not its completion.
    deferred.has(number) && kind !== 'defer' ? [] : [number],
  );
  const attempted = Object.keys(state.attempts)
    .map(Number)
    .filter((number) => !deferred.has(number));
  return [...recorded, ...attempted].filter((number) => number < head);
}

/** The numbers whose settlement is worth knowing: the others have left no trace in the state. */
export function rememberedNumbers(state: SessionState): Set<number> {
  return new Set([
    ...state.inbox.unsettled.map(([number]) => number),
    ...Object.values(state.deferred),
    ...(state.quarantine?.parked ?? []),
    ...Object.keys(state.attempts).map(Number),
  ]);
}

// Timers are tokens in the state (I8): the scheduled message counts only while its token is there.
import type { Timer } from '../../contract/turn.ts';
import type { Draft } from './draft.ts';

/** The last day that Service Bus can say; `Number.MAX_SAFE_INTEGER` means never, and no date is so far away. */
const LATEST_AT = Date.UTC(9999, 11, 31);

export function instantAfter(now: number, ms: number): number {
  return Math.min(LATEST_AT, now + ms);
}

export function setTimer(draft: Draft, delayMs: number, what: (token: string) => Timer['what']): string {
  if (!Number.isFinite(delayMs)) throw new Error(`a delay of ${String(delayMs)} ms can not be scheduled`);
  const token = draft.nextToken();
  const dueAt = Math.ceil(instantAfter(draft.now, Math.max(0, delayMs)));
  draft.timers.set(token, { dueAt, what: what(token) });
  draft.ask({ kind: 'timer', token, dueAt });
  return token;
}

/** After so long the message of a timer counts as set aside: another timer is set. */
const OVERDUE_MS = 60_000;

/**
 * One timer watches over all deadlines of an actor. It is set for the earliest. An answer in time does not take it back: it
 * finds nothing due then, and is set for the next deadline.
 */
export function watchDeadline(draft: Draft, deadlineAt: number): void {
  for (const [token, { what, dueAt }] of draft.timers.entries()) {
    if (what.kind !== 'deadlines') continue;
    if (dueAt > deadlineAt) cancelTimer(draft, token);
    else if (draft.now - dueAt < OVERDUE_MS) return;
  }
  setTimer(draft, deadlineAt - draft.now, () => ({ kind: 'deadlines' }));
}

/** The machine is told of each in a separate turn, so that one that throws does not keep the others from being told. */
export function lookAtDeadlines(draft: Draft, { dueAt }: Timer): void {
  // Goes by the clock that is ahead: the broker's, which says that it is time, or this host's.
  const now = Math.max(draft.now, dueAt);
  for (const [execution, { deadlineAt }] of draft.executions.entries())
    if (deadlineAt !== undefined && deadlineAt <= now)
      setTimer(draft, 0, () => ({ kind: 'deadline', execution }));
  watchNext(draft, now);
}

/** Removes the deadline timer of this turn, for what was started and stopped in it: nothing of it leaves. */
export function unwatchFresh(draft: Draft): void {
  for (const [token, { what }] of draft.timers.entries()) {
    if (what.kind !== 'deadlines' || !draft.isFresh(token)) continue;
    cancelTimer(draft, token);
    return watchNext(draft, Number.NEGATIVE_INFINITY);
  }
}

function watchNext(draft: Draft, after: number): void {
  let next = Number.POSITIVE_INFINITY;
  for (const [, { deadlineAt }] of draft.executions.entries())
    if (deadlineAt !== undefined && deadlineAt > after) next = Math.min(next, deadlineAt);
  if (next < Number.POSITIVE_INFINITY) watchDeadline(draft, next);
}

export function cancelTimer(draft: Draft, token: string): void {
  if (draft.timers.get(token) === undefined) return;
  draft.timers.delete(token);
  if (draft.isFresh(token)) draft.unask((effect) => effect.kind === 'timer' && effect.token === token);
  else draft.ask({ kind: 'cancelTimer', token });
}

/** `cancel(sendId)`: every timer of that name; XState lets several bear it. */
export function cancelTimersNamed(draft: Draft, sendId: string): void {
  const tokens: string[] = [];
  for (const [token, { what }] of draft.timers.entries()) {
    if ('sendId' in what && what.sendId === sendId) tokens.push(token);
  }
  for (const token of tokens) cancelTimer(draft, token);
}

export function cancelAllTimers(draft: Draft): void {
  for (const token of [...draft.timers.entries()].map(([key]) => key)) cancelTimer(draft, token);
}

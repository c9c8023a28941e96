// Timers are tokens in the state (I8): the scheduled message counts only while its token is there.
import type { Timer } from '../../contract/turn.ts';
import type { Draft } from './draft.ts';

export function setTimer(draft: Draft, delayMs: number, what: (token: string) => Timer['what']): string {
  if (!Number.isFinite(delayMs)) throw new Error(`a delay of ${delayMs} ms can not be scheduled`);
  const token = draft.nextToken();
  const dueAt = Math.ceil(draft.now + Math.max(0, delayMs));
  draft.timers.set(token, { dueAt, what: what(token) });
  draft.ask({ kind: 'timer', token, dueAt });
  return token;
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
    if (what.kind !== 'deadline' && what.sendId === sendId) tokens.push(token);
  }
  for (const token of tokens) cancelTimer(draft, token);
}

export function cancelAllTimers(draft: Draft): void {
  for (const token of [...draft.timers.entries()].map(([key]) => key)) cancelTimer(draft, token);
}

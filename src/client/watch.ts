// Follows one actor: its transitions as they are committed, until it ends.

import { abortError, throwIfAborted } from '../common/signals.ts';
import type { Transition } from '../contract/client.ts';
import { fromErrorJson } from '../contract/errors.ts';
import type { AnswerBody, TransitionsBody } from '../contract/wire.ts';
import type { Listening } from '../mailbox/requests.ts';

/** How long an actor tells a client that has died. */
const WATCH_LEASE_MS = 60_000;
const RENEW_MS = WATCH_LEASE_MS / 3;
/** Kept for a reader who is slow; beyond it the oldest are dropped, which shows in `turn`. */
const MAX_UNREAD = 10_000;

export interface WatchOptions {
  readonly signal: AbortSignal | undefined;
  /** Makes the request for a lease; 0 ends it. */
  readonly request: (leaseMs: number) => Promise<void>;
  readonly listen: (onBody: (body: AnswerBody) => void) => Listening;
  /** How to end each watch of this client that is open: also one whose reader has walked away. */
  readonly open: Set<() => Promise<void>>;
}

export async function* watchActor({
  signal,
  request,
  listen,
  open,
}: WatchOptions): AsyncGenerator<Transition, void, undefined> {
  throwIfAborted(signal);
  const unread: Transition[] = [];
  let failure: { readonly error: unknown } | undefined;
  let wake = (): void => {};
  let last: { readonly incarnation: string; readonly turn: number } | undefined;
  const fail = (error: unknown): void => {
    failure ??= { error };
    wake();
  };
  const onBody = (body: AnswerBody): void => {
    if (body.answer === 'error') return fail(fromErrorJson(body.error));
    if (body.answer !== 'transitions') return;
    const { incarnation, turn } = body;
    // A repeat, or the answer to a renewal that has nothing new.
    if (last?.incarnation === incarnation && turn <= last.turn) return;
    last = { incarnation, turn };
    unread.push(...toTransitions(body));
    unread.splice(0, unread.length - MAX_UNREAD);
    wake();
  };
  const onAbort = (): void => fail(abortError(signal?.reason));
  signal?.addEventListener('abort', onAbort, { once: true });
  const listening = listen(onBody);
  void listening.closed.then(fail);
  const renewal = setInterval(() => void request(WATCH_LEASE_MS).catch(fail), RENEW_MS);
  let ended = false;
  let closed = false;
  const letGo = (): void => {
    clearInterval(renewal);
    signal?.removeEventListener('abort', onAbort);
    listening.release();
    open.delete(close);
  };
  // Best effort: its lease ends by itself.
  const tellActor = (): Promise<void> => request(0).catch(() => {});
  const close = async (): Promise<void> => {
    letGo();
    closed = true;
    wake();
    if (!ended) await tellActor();
  };
  open.add(close);
  try {
    await request(WATCH_LEASE_MS);
    while (!ended) {
      const next = unread.shift();
      if (next !== undefined) {
        ended = next.status !== 'active';
        yield next;
      } else if (closed) return;
      else if (failure === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      } else throw failure.error;
    }
  } finally {
    letGo();
    if (!ended && !closed) await tellActor();
  }
}

/** The steps of a batch, the last with what it led to; without one, where the actor is now. */
function toTransitions({
  steps,
  turn,
  status,
  value,
  output,
  error,
  gathers,
  costs,
  asks,
  children,
}: TransitionsBody): Transition[] {
  const now = {
    turn,
    status,
    value,
    ...(output === undefined ? {} : { output }),
    ...(error === undefined ? {} : { error }),
    ...(gathers === undefined ? {} : { gathers }),
    ...(costs === undefined ? {} : { costs }),
    ...(asks === undefined ? {} : { asks }),
    ...(children === undefined ? {} : { children }),
  };
  const before = steps.slice(0, -1).map((step) => ({ turn, status: 'active' as const, ...step }));
  const event = steps.at(-1)?.event;
  return [...before, event === undefined ? now : { ...now, event }];
}

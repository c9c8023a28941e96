// Abort signals that are let go of as soon as what they are for has ended. `AbortSignal.timeout` lives until its time is up
// and `AbortSignal.any` leaves an entry in each of its sources: at hundreds of tasks a second that is most of the heap.

import { QuorateError } from '../contract/errors.ts';

/** What a caller gets for a call that it has withdrawn itself; why it did so is the cause. */
export function abortError(reason: unknown): QuorateError {
  if (reason instanceof QuorateError) return reason;
  const why = reason instanceof Error ? reason.message : String(reason);
  return new QuorateError('ABORTED', `the call was aborted: ${why}`, { cause: reason });
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortError(signal.reason);
}

export interface SignalLimits {
  /** The signal aborts with the first of them, for its reason. */
  readonly sources: readonly (AbortSignal | undefined)[];
  readonly timeoutMs?: number;
  /** Reason of an abort by time. */
  readonly onTimeout?: () => Error;
}

export interface LimitedSignal {
  readonly signal: AbortSignal;
  /** Rejects when the signal aborts: to race against. */
  readonly aborted: Promise<never>;
  /** Call it in the end: nothing aborts the signal after that. */
  readonly release: () => void;
}

export function limitSignal({ sources, timeoutMs, onTimeout }: SignalLimits): LimitedSignal {
  const controller = new AbortController();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  aborted.catch(() => undefined);
  const abort = (reason: unknown): void => {
    release();
    controller.abort(reason);
    reject(reason);
  };
  const leave: (() => void)[] = [];
  const release = (): void => {
    for (const step of leave.splice(0)) step();
  };
  if (timeoutMs !== undefined) {
    const timer = setTimeout(() => abort(onTimeout?.()), timeoutMs);
    leave.push(() => clearTimeout(timer));
  }
  for (const source of sources) {
    if (source === undefined) continue;
    const onAbort = (): void => abort(source.reason);
    source.addEventListener('abort', onAbort, { once: true });
    leave.push(() => source.removeEventListener('abort', onAbort));
  }
  const already = sources.find((source) => source?.aborted);
  if (already !== undefined) abort(already.reason);
  return { signal: controller.signal, aborted, release };
}

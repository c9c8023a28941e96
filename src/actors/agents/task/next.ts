// What follows from an attempt: an answer, another attempt later, another host, or the end. Pure: it is told the time, and the
// random number that keeps what failed together from coming back together.
import { toErrorJson } from '../../../contract/errors.ts';
import { type Failure, failureOf } from '../../../contract/failure.ts';
import type { Json } from '../../../contract/json.ts';
import { type ErrorJson, type Outcome, withData } from '../../../contract/outcome.ts';
import { MAX_CLAIM_BYTES } from '../../../contract/sizes.ts';
import { jsonBytes, tooLarge } from '../../protocol/claims.ts';
import type { Admitted, Attempt, BackoffPolicy, Next, Task, TaskHost } from './task.ts';

interface Drawn {
  readonly now: number;
  /** 0 <= n < 1. */
  readonly random: number;
}

export function toNext(
  { body, lost, waits, putOffs }: Pick<Task, 'body' | 'lost' | 'waits' | 'putOffs'>,
  { family, deadlineAt }: Pick<Admitted, 'family' | 'deadlineAt'>,
  attempt: Attempt,
  { now, random }: Drawn,
  { retry, shutdown }: Pick<TaskHost, 'retry' | 'shutdown'>,
): Next {
  if (attempt.kind === 'cancelled') return { kind: 'drop', counted: 'aborted' };
  if (attempt.kind === 'done') {
    const outcome: Outcome = { status: 'done', output: attempt.output };
    if (attempt.late === true) return { kind: 'keep', outcome, family };
    const large = excess(outcome);
    // It would be as large the next time.
    return large === undefined ? { kind: 'answer', outcome, family } : { kind: 'giveUp', error: large };
  }
  if (lost.aborted) return { kind: 'lost' };
  if (shutdown.aborted) return { kind: 'handBack', deadlineAt };
  const { error } = attempt;
  const { attempt: attempts } = body;
  const failure = failureOf(error);
  const giveUp: Next = { kind: 'giveUp', error: withData(error, { attempts }) };
  // The next attempt would fail the same way, or costs what nobody has.
  if (failure?.kind === 'permanent' || failure?.kind === 'account') return giveUp;
  const again = { kind: 'retry', error, deadlineAt, family } as const;
  if (failure !== undefined && isAskedFor(failure)) {
    const { retryAfterMs = 0 } = failure;
    const left = deadlineAt - now;
    if (retryAfterMs >= left)
      return { kind: 'giveUp', error: withData(tooLate(error, retryAfterMs, left), { attempts }) };
    const at = now + retryAfterMs + spread(retry, Math.max(0, waits - putOffs), left - retryAfterMs, random);
    return { ...again, at, attempt: attempts, waits: waits + 1 };
  }
  const at = now + backoff(retry, attempts, failure, random);
  if (attempts >= retry.attempts || at >= deadlineAt) return giveUp;
  return { ...again, at, attempt: attempts + 1, waits };
}

/** Over its budget a retry waits longer; but not to its deadline, for it is not to fail of that. */
export function putOff(next: Extract<Next, { kind: 'retry' }>, waitMs: number, random: number): Next {
  if (waitMs <= 0) return next;
  const left = next.deadlineAt - next.at;
  const putOffMs = waitMs < left ? waitMs : Math.min(Math.floor(left * random), Math.ceil(left) - 1);
  return { ...next, at: next.at + putOffMs, putOffMs };
}

/** Why an outcome is too large for the payload store. */
export function excess(outcome: Outcome): ErrorJson | undefined {
  const bytes = jsonBytes(outcome as unknown as Json);
  return bytes <= MAX_CLAIM_BYTES
    ? undefined
    : toErrorJson(tooLarge('the answer', bytes, MAX_CLAIM_BYTES), 'EFFECT_TOO_LARGE');
}

/** A wait that the other side asked for is no failure of the attempt. */
function isAskedFor({ kind, retryAfterMs }: Failure): boolean {
  return kind === 'throttled' || retryAfterMs !== undefined;
}

function tooLate(error: ErrorJson, retryAfterMs: number, left: number): ErrorJson {
  const why = `to be tried again in ${retryAfterMs} ms at the earliest, ${retryAfterMs - left} ms behind its deadline`;
  return withData(
    { ...error, code: 'RETRY_AFTER_DEADLINE', message: `${why}: ${error.message}` },
    { code: error.code },
  );
}

/** Full jitter. Who is overloaded needs longer than who failed once. */
function backoff(
  { backoffMs, maxBackoffMs }: BackoffPolicy,
  attempt: number,
  failure: Failure | undefined,
  random: number,
): number {
  const doubled = failure?.kind === 'overloaded' ? attempt : attempt - 1;
  return Math.round(random * Math.min(maxBackoffMs, backoffMs * 2 ** doubled));
}

/** Whatever a policy says: what is put off again and again is put off by at least half of that, doubled, up to half of this. */
const LEAST_BACKOFF_MS = 100;
const LEAST_MAX_BACKOFF_MS = 10_000;

/**
 * What is added to the wait that was asked for. The first time anything up to the back-off, so that they do not all wake
 * together. Each further time twice as much, and at least half of it: a provider that asks for 1 ms for ever is not asked for
 * ever a thousand times a second. Always within what is left, for it was asked to come back before the deadline.
 */
function spread(
  { backoffMs, maxBackoffMs }: BackoffPolicy,
  waits: number,
  left: number,
  random: number,
): number {
  const base = Math.max(backoffMs, LEAST_BACKOFF_MS);
  const window = Math.min(Math.max(maxBackoffMs, LEAST_MAX_BACKOFF_MS), base * 2 ** waits);
  const share = waits === 0 ? random : (1 + random) / 2;
  return Math.min(Math.floor(Math.min(window, left) * share), Math.ceil(left) - 1);
}

// What follows from an attempt: an answer, another attempt later, another host, or the end. Pure: it is told the time.
import type { RetryPolicy } from '../../../contract/config.ts';
import { toErrorJson, withData } from '../../../contract/errors.ts';
import { failureOf } from '../../../contract/failure.ts';
import type { Json } from '../../../contract/json.ts';
import type { ErrorJson, Outcome } from '../../../contract/outcome.ts';
import { MAX_CLAIM_BYTES } from '../../../contract/sizes.ts';
import { jsonBytes, tooLarge } from '../../protocol/claims.ts';
import type { Admitted, Attempt, Next, Task, TaskHost } from './task.ts';

export function toNext(
  { body, lost }: Pick<Task, 'body' | 'lost'>,
  { family, deadlineAt }: Pick<Admitted, 'family' | 'deadlineAt'>,
  attempt: Attempt,
  now: number,
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
  const at = now + backoff(retry, attempts);
  if (isFinal(error) || attempts >= retry.attempts || at >= deadlineAt)
    return { kind: 'giveUp', error: withData(error, { attempts }) };
  return { kind: 'retry', error, at, deadlineAt, family };
}

/** The next attempt would fail the same way, or costs what nobody has. */
function isFinal(error: ErrorJson): boolean {
  const kind = failureOf(error)?.kind;
  return kind === 'permanent' || kind === 'account';
}

function excess(outcome: Outcome): ErrorJson | undefined {
  const bytes = jsonBytes(outcome as unknown as Json);
  return bytes <= MAX_CLAIM_BYTES
    ? undefined
    : toErrorJson(tooLarge('the answer', bytes, MAX_CLAIM_BYTES), 'EFFECT_TOO_LARGE');
}

function backoff({ backoffMs, maxBackoffMs }: Required<RetryPolicy>, attempt: number): number {
  return Math.min(maxBackoffMs, backoffMs * 2 ** (attempt - 1));
}

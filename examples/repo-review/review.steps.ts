// What the review machine makes of each answer: pure functions, so that the machine beside them is only its shape.
import type { GatherOutput } from 'quorate';
import type {
  Collected,
  Counted,
  Delivery,
  Offer,
  Reason,
  Replies,
  ReviewInput,
  ReviewOutput,
  Scan,
  Workplace,
} from './protocol.ts';

/** A value that an earlier state has set. */
export function known<T>(value: T | null): T {
  if (value === null) throw new TypeError('the review has not come so far');
  return value;
}

export function workplace({ root, runFolder, today }: Workplace): Workplace {
  return { root, runFolder, today };
}

/** An Error under a plain createActor, in Quorate what came over the wire of one. */
export function reasonOf(error: unknown): Reason {
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown };
  return {
    code: typeof code === 'string' ? code : 'TASK_FAILED',
    message: typeof message === 'string' ? message : String(error),
  };
}

export function repliesOf(gathered: Omit<GatherOutput, 'values'>): Replies {
  const { outcome, total, ok, failed, missing, duplicates, errors, counts } = gathered;
  const { repeated = 0, findings = 0 } = counts;
  return { outcome, total, ok, failed, missing, duplicates, repeated, findings, errors };
}

interface Proposed {
  readonly outcome: 'accepted' | 'rounds-exhausted';
  readonly offer: Offer;
  readonly score: number;
  readonly rounds: number;
  readonly refused: Counted['plan']['refused'];
  readonly expired: number;
  readonly failed: number;
  readonly missing: number;
}

export function planOf(proposed: Proposed): Counted['plan'] & { readonly offer: Offer } {
  const { outcome, offer, score, rounds, refused, expired, failed, missing } = proposed;
  return {
    accepted: outcome === 'accepted',
    score,
    rounds,
    refused,
    lost: expired + failed + missing,
    offer,
  };
}

/** What a person says to the question before the delivery. */
export interface Approval {
  readonly type: 'answer';
  readonly answer: string;
  readonly by?: string;
  readonly byDefault?: true;
}

export function approvalOf({ input, collected }: Reviewed): string {
  const { findings, bySeverity } = known(collected);
  const what = findings === 1 ? '1 finding' : `${findings} findings`;
  return `Publish ${what} (${bySeverity.high} high) to ${input.out}?`;
}

export function refusedBy({ by, byDefault }: Approval): Reason {
  const who = byDefault === true ? 'nobody has answered in time' : `${by ?? 'somebody'} said no`;
  return { code: 'NOT_APPROVED', message: `the report is not published: ${who}` };
}

interface Reviewed {
  readonly input: ReviewInput;
  readonly scan: Scan | null;
  readonly replies: Replies | null;
  readonly collected: Collected | null;
  readonly plan: (Counted['plan'] & { readonly offer: Offer }) | null;
}

export function deliveryOf({ input, scan, replies, plan }: Reviewed): Delivery {
  const { offer, ...planned } = known(plan);
  const { runId, out, policy = 'all', failAt = null } = input;
  const counted = { runId, policy, replies: known(replies), plan: planned };
  return { runFolder: known(scan).runFolder, out, failAt, counted, offer };
}

/** What the review needs to know of how its saga ended. */
type Ended =
  | { readonly status: 'done'; readonly results: { readonly publish: { readonly files: readonly string[] } } }
  | {
      readonly status: 'compensated' | 'compensation-failed';
      readonly failure: { readonly step: string; readonly error: Reason } | null;
    };

export function outcomeOf(ended: Ended, { replies, collected, plan }: Reviewed): ReviewOutput {
  if (ended.status === 'done') {
    const { offer, ...planned } = known(plan);
    return {
      status: 'delivered',
      files: ended.results.publish.files,
      findings: known(collected),
      replies: known(replies),
      plan: { ...planned, items: offer.items },
    };
  }
  const { failure } = ended;
  return {
    status: 'failed',
    at: failure === null ? 'delivering' : `delivering.${failure.step}`,
    error:
      failure === null
        ? { code: 'CANCELLED', message: 'the delivery was cancelled' }
        : reasonOf(failure.error),
    restored: ended.status === 'compensated',
  };
}

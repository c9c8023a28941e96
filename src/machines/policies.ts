// The policies of a scatter: when it has enough answers. A policy is one record of ends that are combined freely; the names here are
// constructors of common ones, and `{ ...quorum(3), ...deadline(5_000) }` is both. The rules say what a record means; gather.ts and
// the checks of a plan read them. A new end needs a field of `PolicyRecord`, a rule here, and its field in actors/core/plan.ts.
import {
  answeredIn,
  type GatherOutput,
  type GatherPolicy,
  type PolicyRecord,
  recordOf,
  type ScatterPlan,
  type Tally,
} from '../contract/scatter.ts';
import { MICROS } from '../contract/usage.ts';

/** Gives the policy that every branch has answered, well or badly. */
export function all(): PolicyRecord {
  return {};
}

/** Gives the policy that `count` branches have answered well. It fails as soon as so many can no longer be reached. */
export function quorum(count: number, options: Pick<PolicyRecord, 'valid'> = {}): PolicyRecord {
  return { good: count, ...options };
}

/**
 * Gives the policy that `ms` milliseconds have passed, or every branch has answered. It fails when fewer than `atLeast` branches
 * (default 1) answered well.
 */
export function deadline(ms: number, options: Pick<PolicyRecord, 'atLeast' | 'valid'> = {}): PolicyRecord {
  return { afterMs: ms, ...options };
}

/** Gives the policy of the first good answer. A branch that fails fast wins nothing. */
export function first(options: Pick<PolicyRecord, 'valid'> = {}): PolicyRecord {
  return { good: 1, ...options };
}

export type Standing = 'undecided' | 'failed' | GatherOutput['outcome'];

/** Where a gather stands after an answer. Success that has come, or can come no more, is not changed by what comes later. */
export function afterAnswer(policy: GatherPolicy, tally: Tally): Standing {
  const record = recordOf(policy);
  const { good = Number.POSITIVE_INFINITY, answered = tally.total } = record;
  const { ok, total } = tally;
  if (ok >= countOf(record)) return 'valid';
  const goodToCome = good - goodIn(record, tally);
  if (goodToCome <= 0) return isEnough(record, tally) ? 'quorum' : 'failed';
  const came = answeredIn(tally);
  const toCome = Math.min(answered, total) - came;
  const isSpent = hasSpent(record, tally);
  if (toCome > 0 && !isSpent) {
    const atBest = { ...tally, ok: ok + Math.min(toCome, goodToCome) };
    return isEnough(record, atBest) ? 'undecided' : 'failed';
  }
  if (!isEnough(record, tally)) return 'failed';
  if (came >= total) return 'all';
  return isSpent ? 'spent' : 'answered';
}

/** With a count of its own, `valid` leaves it to the agents which answers are good. */
function goodIn({ valid }: PolicyRecord, { ok, invalid = 0 }: Tally): number {
  return typeof valid === 'object' ? ok + invalid : ok;
}

/** How many answers with the yes of `valid` are an end. */
function countOf({ valid }: PolicyRecord): number {
  return typeof valid === 'object' ? valid.count : Number.POSITIVE_INFINITY;
}

function hasSpent({ spent }: PolicyRecord, { spent: used }: Tally): boolean {
  if (spent === undefined || used === undefined) return false;
  const { usd = Number.POSITIVE_INFINITY, tokens = Number.POSITIVE_INFINITY } = spent;
  return used.microUsd >= usd * MICROS || used.tokens >= tokens;
}

/** Decides when the time is up, that of the policy or of the plan; what is decided stays so. */
export function atTimeUp(policy: GatherPolicy, tally: Tally): Standing {
  const standing = afterAnswer(policy, tally);
  if (standing !== 'undecided') return standing;
  const record = recordOf(policy);
  return !isAnyEnough(record) && isEnough(record, tally) ? 'deadline' : 'failed';
}

/** Whether it waits for answers, whatever they are. */
function isAnyEnough({ atLeast, good, valid, afterMs, spent }: PolicyRecord): boolean {
  return [atLeast, good, afterMs, spent].every((end) => end === undefined) && typeof valid !== 'object';
}

/** Whether these answers are a success. */
function isEnough(record: PolicyRecord, tally: Tally): boolean {
  const { atLeast, good, valid } = record;
  if (isAnyEnough(record)) return true;
  if (atLeast !== undefined || (good === undefined && typeof valid !== 'object'))
    return tally.ok >= (atLeast ?? 1);
  return goodIn(record, tally) >= (good ?? Number.POSITIVE_INFINITY) || tally.ok >= countOf(record);
}

/** Why so many branches can never meet it: asked before anything is sent. Without branches a gather is complete at once. */
export function unreachable(policy: GatherPolicy, total: number): string | undefined {
  if (total === 0) return undefined;
  const { answered, good, atLeast, valid } = recordOf(policy);
  const count = typeof valid === 'object' ? valid.count : undefined;
  if (good !== undefined && good > total) return `a quorum of ${good} of ${total} branches`;
  if (answered !== undefined && answered > total) return `answered ${answered} of ${total} branches`;
  if (count !== undefined && count > total) return `valid ${count} of ${total} branches`;
  if (atLeast !== undefined && atLeast > total) return `atLeast ${atLeast} of ${total} branches`;
  if (good !== undefined && answered !== undefined && good > answered)
    return `good ${good}, and it ends at ${answered} answers`;
  if (count !== undefined && answered !== undefined && count > answered)
    return `valid ${count}, and it ends at ${answered} answers`;
  if (count !== undefined && good !== undefined && count > good)
    return `valid ${count}, and it ends at ${good} good answers`;
  if (atLeast !== undefined && answered !== undefined && atLeast > answered)
    return `atLeast ${atLeast}, and it ends at ${answered} answers`;
  if (atLeast !== undefined && good !== undefined && atLeast > good)
    return `atLeast ${atLeast}, and it ends at ${good} good answers`;
  if (atLeast !== undefined && count !== undefined && atLeast > count)
    return `atLeast ${atLeast}, and it ends at ${count} valid answers`;
  return undefined;
}

/** How long a gather of this plan may take in ms: `deadlineMs` bounds it whatever the policy. Undefined: the plan does not say. */
export function timeOf({ policy, deadlineMs }: ScatterPlan): number | undefined {
  const { afterMs } = recordOf(policy);
  if (afterMs === undefined) return deadlineMs;
  return deadlineMs === undefined ? afterMs : Math.min(afterMs, deadlineMs);
}

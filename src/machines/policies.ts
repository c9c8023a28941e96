// The policies of a scatter: when it has enough answers. Each has a constructor for the plan and a rule. The rules say what a
// policy means; gather.ts and the check of a plan read them. A new policy needs a member of `GatherPolicy`, a constructor and
// a rule here, and its fields in actors/core/plan.ts.
import type { GatherOutput, GatherPolicy, ScatterPlan } from '../contract/scatter.ts';

/** Gives the policy that every branch has answered, well or badly. */
export function all(): GatherPolicy {
  return { kind: 'all' };
}

/** Gives the policy that `count` branches have answered well. It fails as soon as so many can no longer be reached. */
export function quorum(count: number): GatherPolicy {
  return { kind: 'quorum', count };
}

/**
 * Gives the policy that `ms` milliseconds have passed, or every branch has answered. It fails when fewer than `atLeast` branches
 * (default 1) answered well.
 */
export function deadline(ms: number, options: { readonly atLeast?: number } = {}): GatherPolicy {
  return { kind: 'deadline', ms, ...options };
}

/** The counts that a policy decides by. total = ok + failed + those that have not answered. */
export interface Tally {
  readonly total: number;
  readonly ok: number;
  readonly failed: number;
}

export type Standing = 'undecided' | 'failed' | GatherOutput['outcome'];

interface Rule {
  /** Why so many branches can never meet it. */
  readonly unreachable: (total: number) => string | undefined;
  /** Time of the policy in ms. Without one the plan's bound is the only one. */
  readonly ms?: number;
  readonly afterAnswer: (tally: Tally) => Standing;
  /** Decides when the time is up, that of the policy or of the plan. */
  readonly atTimeUp: (tally: Tally) => Standing;
}

export function ruleOf(policy: GatherPolicy): Rule {
  switch (policy.kind) {
    case 'all':
      return {
        unreachable: () => undefined,
        afterAnswer: (tally) => (isComplete(tally) ? 'all' : 'undecided'),
        atTimeUp: () => 'failed',
      };
    case 'quorum': {
      const { count } = policy;
      return {
        unreachable: (total) => (count > total ? `a quorum of ${count} of ${total} branches` : undefined),
        afterAnswer: ({ total, ok, failed }) => {
          if (ok >= count) return 'quorum';
          return total - failed < count ? 'failed' : 'undecided';
        },
        atTimeUp: () => 'failed',
      };
    }
    case 'deadline': {
      const { ms, atLeast = 1 } = policy;
      return {
        unreachable: (total) => (atLeast > total ? `atLeast ${atLeast} of ${total} branches` : undefined),
        ms,
        afterAnswer: (tally) => {
          if (!isComplete(tally)) return 'undecided';
          return tally.ok >= atLeast ? 'all' : 'failed';
        },
        atTimeUp: ({ ok }) => (ok >= atLeast ? 'deadline' : 'failed'),
      };
    }
  }
}

function isComplete({ total, ok, failed }: Tally): boolean {
  return ok + failed === total;
}

/** How long a gather of this plan may take in ms: `deadlineMs` bounds it whatever the policy. Undefined: the plan does not say. */
export function timeOf({ policy, deadlineMs }: ScatterPlan): number | undefined {
  const { ms } = ruleOf(policy);
  if (ms === undefined) return deadlineMs;
  return deadlineMs === undefined ? ms : Math.min(ms, deadlineMs);
}

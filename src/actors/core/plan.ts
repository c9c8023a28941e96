// The border to what a machine gives the scatter logic as input: checked once, when the scatter is committed.
import { QuorateError } from '../../contract/errors.ts';
import { isPayloadRef } from '../../contract/payload.ts';
import type { ScatterPlan } from '../../contract/scatter.ts';
import type { Registry } from '../../contract/turn.ts';
import { toOutside } from './json.ts';
import { misfitOf } from './plan-fields.ts';
import { agentDeadline } from './resolve.ts';

/** Answers kept in the state itself; more belong in the payload store, with counts in the state. */
const MAX_COLLECTED_VALUES = 256;
/** 25 KB of bit set, 34 KB in base64: leaves most of the 256 KB of a session state to the machine. */
const MAX_BRANCHES = 200_000;

export interface CheckedPlan {
  readonly plan: ScatterPlan;
  readonly total: number;
  /** How long after its start the gather ends, one way or the other. */
  readonly deadlineMs: number;
}

export function checkPlan(input: unknown, childId: string, registry: Registry): CheckedPlan {
  const invalid = (why: string): QuorateError =>
    new QuorateError('INPUT_INVALID', `input of scatter '${childId}': ${why}`);
  const json = toOutside(input, {
    of: `scatter '${childId}'`,
    path: 'input',
    code: 'INPUT_INVALID',
  });
  const misfit = misfitOf(json);
  if (misfit !== undefined) throw invalid(misfit);
  const plan = json as unknown as ScatterPlan;
  const items = isPayloadRef(plan.items) ? (plan.items.count ?? 0) : plan.items.length;
  const total = items * plan.agents.length;
  if (total > MAX_BRANCHES) throw invalid(`${total} branches, at most ${MAX_BRANCHES}`);
  if (total > MAX_COLLECTED_VALUES && plan.collect === 'values') {
    throw invalid(
      `collect 'values' keeps at most ${MAX_COLLECTED_VALUES} answers, not ${total}; use 'counts'`,
    );
  }
  // No branches at all is a gather that is complete at once, whatever it hoped for.
  if (total > 0) checkReachable(plan, total, invalid);
  return { plan, total, deadlineMs: deadlineOf(plan, registry) };
}

function checkReachable(plan: ScatterPlan, total: number, invalid: (why: string) => QuorateError): void {
  const { policy } = plan;
  if (policy.kind === 'quorum' && policy.count > total)
    throw invalid(`a quorum of ${policy.count} of ${total} branches`);
  if (policy.kind === 'deadline' && (policy.atLeast ?? 1) > total) {
    throw invalid(`atLeast ${policy.atLeast} of ${total} branches`);
  }
}

function deadlineOf(plan: ScatterPlan, registry: Registry): number {
  const longest = plan.agents.map((agent) => {
    const deadlineMs = agentDeadline(registry, agent);
    if (deadlineMs === undefined) throw new QuorateError('AGENT_NOT_FOUND', `scatter names agent '${agent}'`);
    return deadlineMs;
  });
  const bound = plan.deadlineMs ?? Math.max(...longest);
  if (plan.policy.kind !== 'deadline') return bound;
  // `deadlineMs` bounds the fan-out whatever the policy; the agents' own deadlines do not cut a policy short.
  return plan.deadlineMs === undefined ? plan.policy.ms : Math.min(plan.policy.ms, plan.deadlineMs);
}

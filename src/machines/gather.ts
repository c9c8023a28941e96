// A gather: the answers of a scatter, folded one by one until its policy is met or cannot be met any more. This is the only
// place that counts, keeps and decides. Quorate's core folds with it (actors/core/gather.ts), and so does the local form
// under createActor (scatter.ts): a test of a machine in one process sees what Quorate will do. Each step gives a new state
// and leaves the old one as it was; the state is JSON and lies in the actor's state as it is.
import type { Json } from '../contract/json.ts';
import type { ErrorJson, Outcome } from '../contract/outcome.ts';
import { isPayloadRef, type PayloadRef } from '../contract/payload.ts';
import {
  type BranchValue,
  type GatherOutput,
  MAX_GATHER_ERRORS,
  type ScatterPlan,
} from '../contract/scatter.ts';
import type { GatherState, KeptValue } from '../contract/turn.ts';
import { ruleOf, type Standing } from './policies.ts';

/** What is known so far: the state of a gather without the bookkeeping of messages. */
export type Gathering = Omit<GatherState, 'answered' | 'startedAt' | 'links'>;

export type Decision =
  | { readonly kind: 'undecided' }
  | { readonly kind: 'done'; readonly outcome: GatherOutput['outcome'] }
  /** `message` says what came of the branches, and not whose they are. */
  | { readonly kind: 'failed'; readonly error: ErrorJson };

/** One branch for each pair of item and agent. */
export function countBranches({ items, agents }: Pick<ScatterPlan, 'items' | 'agents'>): number {
  return (isPayloadRef(items) ? (items.count ?? 0) : items.length) * agents.length;
}

export function begin(plan: ScatterPlan): Gathering {
  const { agents, policy, collect } = plan;
  return {
    agents,
    total: countBranches(plan),
    policy,
    collect,
    ok: 0,
    failed: 0,
    duplicates: 0,
    counts: {},
    values: [],
    errors: [],
  };
}

/** The first answer of a branch. `kept`: where its output lies, to be kept in its place. */
export function add(state: Gathering, index: number, outcome: Outcome, kept?: PayloadRef): Gathering {
  // Branch index = item index * agents.length + agent index.
  const agent = state.agents[index % state.agents.length] ?? '';
  if (outcome.status === 'error') {
    const failed = state.failed + 1;
    if (state.errors.length >= MAX_GATHER_ERRORS) return { ...state, failed };
    return { ...state, failed, errors: [...state.errors, { index, agent, error: outcome.error }] };
  }
  const { output } = outcome;
  const next = { ...state, ok: state.ok + 1, counts: addCounts(state.counts, output) };
  if (state.collect === 'counts') return next;
  const value: KeptValue = kept === undefined ? { index, agent, value: output } : { index, agent, ref: kept };
  return { ...next, values: [...state.values, value] };
}

/** Counts an answer of a branch that has answered before; nothing else changes. */
export function addDuplicate(state: Gathering): Gathering {
  return { ...state, duplicates: state.duplicates + 1 };
}

/** Decides after an answer. */
export function decide(state: Gathering): Decision {
  return toDecision(state, ruleOf(state.policy).afterAnswer(state));
}

/** Decides when the time is up: the gather is not undecided any more. */
export function decideAtTimeUp(state: Gathering): Decision {
  return toDecision(state, ruleOf(state.policy).atTimeUp(state));
}

function toDecision(state: Gathering, standing: Standing): Decision {
  switch (standing) {
    case 'undecided':
      return { kind: 'undecided' };
    case 'failed':
      return { kind: 'failed', error: toError(state) };
    default:
      return { kind: 'done', outcome: standing };
  }
}

/** What the machine is told. `values`: those of the state, each by value, in any order. */
export function toOutput(
  state: Gathering,
  outcome: GatherOutput['outcome'],
  values: readonly BranchValue[],
): GatherOutput {
  const { total, ok, failed, duplicates, counts, errors } = state;
  return {
    outcome,
    total,
    ok,
    failed,
    missing: total - ok - failed,
    duplicates,
    counts,
    values: values.toSorted((a, b) => a.index - b.index),
    errors,
  };
}

function toError({ total, ok, failed, errors }: Gathering): ErrorJson {
  const missing = total - ok - failed;
  return {
    code: 'GATHER_FAILED',
    message: `${ok} of ${total} branches answered well, ${failed} failed, ${missing} are missing`,
    data: { total, ok, failed, missing, errors: errors as unknown as Json },
  };
}

/** Answers may carry `counts`, a record of numbers: their sums are all that a large fan-out keeps. */
function addCounts(sums: Gathering['counts'], output: Json): Gathering['counts'] {
  const counts =
    typeof output === 'object' && output !== null ? (output as { counts?: unknown }).counts : undefined;
  if (typeof counts !== 'object' || counts === null) return sums;
  const next: Record<string, number> = { ...sums };
  for (const [key, value] of Object.entries(counts)) {
    if (typeof value !== 'number') continue;
    // A key may be named like what every object has: only own fields count.
    const sum = (Object.hasOwn(next, key) ? (next[key] ?? 0) : 0) + value;
    if (key === '__proto__') Object.defineProperty(next, key, { ...OWN, value: sum });
    else next[key] = sum;
  }
  return next;
}

/** To be assigned it is no field but the prototype. */
const OWN = { configurable: true, enumerable: true, writable: true } as const;

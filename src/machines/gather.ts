// A gather: the answers of a scatter, folded one by one until its policy is met or cannot be met any more. This is the only
// place that counts, keeps and decides. Quorate's core folds with it (actors/core/gather.ts), and so does the local form
// under createActor (scatter.ts): a test of a machine in one process sees what Quorate will do. Each step gives a new state
// and leaves the old one as it was; the state is JSON and lies in the actor's state as it is.
import { copyJson, type Json } from '../contract/json.ts';
import type { ErrorJson, Outcome } from '../contract/outcome.ts';
import { isPayloadRef, type PayloadRef } from '../contract/payload.ts';
import {
  answeredIn,
  type BranchReference,
  type BranchValue,
  checkNameOf,
  type GatherOutput,
  MAX_GATHER_ERRORS,
  type ScatterPlan,
  writtenOf,
} from '../contract/scatter.ts';
import { answersIn, type GatherState, type KeptValue } from '../contract/turn.ts';
import { afterAnswer, atTimeUp, type Standing } from './policies.ts';

/** What is known so far: the state of a gather without the bookkeeping of messages. */
export type Gathering = Omit<GatherState, 'answered' | 'startedAt' | 'links'>;

export type Decision =
  | { readonly kind: 'undecided' }
  | { readonly kind: 'done'; readonly outcome: GatherOutput['outcome'] }
  /** `message` says what came of the branches, and not whose they are. */
  | { readonly kind: 'failed'; readonly error: ErrorJson };

/** What a policy's `valid` names. */
export type Check = (answer: Json, shared: Json | undefined) => unknown;

interface Accepted {
  /** Where its output lies, to be kept in its place. */
  readonly kept?: PayloadRef | undefined;
  /** What the policy's `valid` names, with a policy that names it. */
  readonly check?: Check | undefined;
}

/** One branch for each pair of item and agent. */
export function countBranches({ items, agents }: Pick<ScatterPlan, 'items' | 'agents'>): number {
  return (isPayloadRef(items) ? (items.count ?? 0) : items.length) * agents.length;
}

export function begin(plan: ScatterPlan): Gathering {
  const { agents, policy, collect, shared } = plan;
  const valid = checkNameOf(policy);
  return {
    agents,
    total: countBranches(plan),
    policy: writtenOf(policy),
    collect,
    ok: 0,
    failed: 0,
    ...(valid === undefined ? {} : { invalid: 0, rejected: [], ...(shared === undefined ? {} : { shared }) }),
    duplicates: 0,
    counts: {},
    values: [],
    errors: [],
  };
}

/** The first answer of a branch. */
export function add(
  state: Gathering,
  index: number,
  outcome: Outcome,
  { kept, check }: Accepted = {},
): Gathering {
  // Branch index = item index * agents.length + agent index.
  const agent = state.agents[index % state.agents.length] ?? '';
  if (outcome.status === 'error') {
    const failed = state.failed + 1;
    if (state.errors.length >= MAX_GATHER_ERRORS) return { ...state, failed };
    return { ...state, failed, errors: [...state.errors, { index, agent, error: outcome.error }] };
  }
  const { output } = outcome;
  const value: KeptValue = kept === undefined ? { index, agent, value: output } : { index, agent, ref: kept };
  const isKept = state.collect === 'values';
  if (check !== undefined && !says(check, output, state.shared)) {
    const { invalid = 0, rejected = [] } = state;
    return { ...state, invalid: invalid + 1, rejected: isKept ? [...rejected, value] : rejected };
  }
  const next = { ...state, ok: state.ok + 1, counts: addCounts(state.counts, output) };
  return isKept ? { ...next, values: [...state.values, value] } : next;
}

/** It gets copies: what it changes changes nothing that is kept. */
function says(check: Check, answer: Json, shared: Json | undefined): boolean {
  try {
    return check(copyJson(answer), copyJson(shared)) === true;
  } catch {
    return false;
  }
}

/** Counts an answer of a branch that has answered before; nothing else changes. */
export function addDuplicate(state: Gathering): Gathering {
  return { ...state, duplicates: state.duplicates + 1 };
}

/** Decides after an answer. */
export function decide(state: Gathering): Decision {
  return toDecision(state, afterAnswer(state.policy, state));
}

/** Decides when the time is up: the gather is not undecided any more. */
export function decideAtTimeUp(state: Gathering): Decision {
  return toDecision(state, atTimeUp(state.policy, state));
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

/** What the machine is told. `values` and `rejected`: those of the state by value, in any order; `references`: others, if any. */
export function toOutput(
  state: Gathering,
  outcome: GatherOutput['outcome'],
  {
    values,
    rejected,
    references = [],
  }: {
    readonly values: readonly BranchValue[];
    readonly rejected: readonly BranchValue[];
    readonly references?: readonly BranchReference[];
  },
): GatherOutput {
  const { total, ok, failed, invalid, spent, duplicates, counts, errors } = state;
  return {
    outcome,
    total,
    ok,
    failed,
    missing: total - answeredIn(state),
    ...(invalid === undefined ? {} : { invalid }),
    ...(spent === undefined ? {} : { spent }),
    duplicates,
    counts,
    values: inOrder(values),
    ...(invalid === undefined ? {} : { rejected: inOrder(rejected) }),
    ...(references.length === 0 ? {} : { references: inOrder(references) }),
    errors,
  };
}

/** Of a scatter without branches. */
export function emptyOutput(plan: ScatterPlan): GatherOutput {
  return toOutput(begin(plan), 'all', { values: [], rejected: [] });
}

function inOrder<T extends { readonly index: number }>(values: readonly T[]): T[] {
  return values.toSorted((a, b) => a.index - b.index);
}

function toError(state: Gathering): ErrorJson {
  const { total, ok, failed, invalid, spent, errors, collect } = state;
  const missing = total - answeredIn(state);
  const notValid = invalid === undefined ? '' : ` ${invalid} were not valid,`;
  return {
    code: 'GATHER_FAILED',
    message: `${ok} of ${total} branches answered well, ${failed} failed,${notValid} ${missing} are missing`,
    data: {
      total,
      ok,
      failed,
      missing,
      ...(invalid === undefined ? {} : { invalid }),
      ...(spent === undefined ? {} : { spent: { ...spent } }),
      errors: errors as unknown as Json,
      ...(collect === 'values' ? { answers: answersIn(state) } : {}),
    },
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

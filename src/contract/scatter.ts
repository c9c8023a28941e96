// A fan-out as data: branches, when a gather has enough answers, and how they are collected.
import type { Json } from './json.ts';
import type { ErrorJson } from './outcome.ts';
import type { PayloadRef } from './payload.ts';

/**
 * When a gather ends, and when that is a success. It ends at the first of what is named here, and in any case when every branch
 * has answered. An answer is good when its agent ended well and, with `valid`, when that says so.
 */
export interface PolicyRecord {
  /** Ends when so many branches have answered, well or badly. */
  readonly answered?: number;
  /** Ends when so many answers are good: with `valid: 'name'` those that it said yes to. */
  readonly good?: number;
  /** Ends after so many ms. */
  readonly afterMs?: number;
  /** Ends at the answer with which so much was used by its branches, their failed attempts included. */
  readonly spent?: { readonly usd?: number; readonly tokens?: number };
  /**
   * Names a function `(answer, shared) => boolean` that the module of the machine exports. It must be pure, for it runs inside a turn.
   * What it throws, and what is not a boolean, says no. As a name alone: an answer is good only where it says yes. With a `count`: an end
   * of its own, at so many that it said yes to, and `good` counts all whose agent ended well.
   */
  readonly valid?: string | { readonly by: string; readonly count: number };
  /**
   * So many good answers are a success, also when the plan's `deadlineMs` is over; with `valid` those that it said yes to. Default: what
   * `good` or the count of `valid` says; without them 1 with `afterMs` or `spent`, else the answers need not be good, and a deadline that
   * is missed is an error.
   */
  readonly atLeast?: number;
  readonly kind?: undefined;
}

/** Policies by their names, as former builds wrote them. They mean what the records of `all`, `quorum` and `deadline` mean. */
export type NamedPolicy =
  /** Every branch has answered, well or badly. */
  | { readonly kind: 'all' }
  /** `count` branches have answered well; an error as soon as that can no longer happen. */
  | { readonly kind: 'quorum'; readonly count: number }
  /** Every branch has answered, or `ms` have passed: the best so far, an error if fewer than `atLeast` (default 1) answered well. */
  | { readonly kind: 'deadline'; readonly ms: number; readonly atLeast?: number };

/** When a gather has enough answers. `quorate` here is the field's word: enough have answered. */
export type GatherPolicy = PolicyRecord | NamedPolicy;

/** What former builds wrote, as a record. */
export function recordOf(policy: GatherPolicy): PolicyRecord {
  switch (policy.kind) {
    case undefined:
      return policy;
    case 'all':
      return {};
    case 'quorum':
      return { good: policy.count };
    case 'deadline':
      return { afterMs: policy.ms, ...(policy.atLeast === undefined ? {} : { atLeast: policy.atLeast }) };
  }
}

/** The name of the function that looks at the answers, if any. */
export function checkNameOf(policy: GatherPolicy): string | undefined {
  const { valid } = recordOf(policy);
  return typeof valid === 'object' ? valid.by : valid;
}

/** As former builds write it, if they know it: then any host may continue the gather. */
export function writtenOf(policy: GatherPolicy): GatherPolicy {
  const { answered, good, afterMs: ms, spent, valid, atLeast } = recordOf(policy);
  if (answered !== undefined || valid !== undefined || spent !== undefined) return policy;
  if (good === undefined && ms === undefined && atLeast === undefined) return { kind: 'all' };
  if (good !== undefined && ms === undefined && atLeast === undefined) return { kind: 'quorum', count: good };
  if (good !== undefined || ms === undefined) return policy;
  return { kind: 'deadline', ms, ...(atLeast === undefined ? {} : { atLeast }) };
}

/** The counts that a policy decides by. total = ok + failed + invalid + those that have not answered. */
export interface Tally {
  readonly total: number;
  /** Answered well and, with `valid`, with its yes. */
  readonly ok: number;
  readonly failed: number;
  /** Absent with a policy that does not look at the answers. */
  readonly invalid?: number;
  /** Absent until something was used. */
  readonly spent?: Spent;
}

/** What branches used, as far as they have told. Tokens are input and output together. */
export interface Spent {
  readonly microUsd: number;
  readonly tokens: number;
}

export function answeredIn({ ok, failed, invalid = 0 }: Tally): number {
  return ok + failed + invalid;
}

/**
 * The input of an invoked `scatter`: one task per (item, agent) pair. Branch index = item index * agents.length + agent
 * index; the count is fixed when the scatter is committed. Items may be given by reference (a stored JSON array).
 */
export interface ScatterPlan {
  readonly agents: readonly string[];
  /**
   * A topic of the configuration, of which `agents` names subscriptions: each item is published once, and the copy in each of them is a
   * branch, done by the subscription's agent.
   */
  readonly topic?: string;
  readonly items: readonly Json[] | PayloadRef;
  /** Given to every branch beside its item: a task's input is `{ item, shared }`. */
  readonly shared?: Json;
  readonly policy: GatherPolicy;
  /** 'values' keeps each answer in the state (small fan-outs only); 'counts' keeps sums of the answers' `counts`. */
  readonly collect: 'values' | 'counts';
  /** Its tasks are done also when nobody waits any more: neither dropped in their queue nor told while they run. */
  readonly cancel?: 'ignore';
  /** Upper bound for the whole fan-out in ms, whatever the policy (I11). Default: the agents' longest deadline. */
  readonly deadlineMs?: number;
  /** Time to live of each offer in ms, for proposers (see `proposal`): answers travel as offers that the broker expires. */
  readonly offerTtlMs?: number;
}

/** The answer of one branch. `index` = index of the item * number of agents + index of the agent. */
export interface BranchValue {
  readonly index: number;
  readonly agent: string;
  readonly value: Json;
}

/** The answer of one branch where it lies. `index` as in `BranchValue`. */
export interface BranchReference {
  readonly index: number;
  readonly agent: string;
  /** To be read by an agent: `context.payloads.get(ref)`. */
  readonly ref: PayloadRef;
  /** The policy's `valid` did not say yes to it. */
  readonly valid?: false;
}

/** What one branch failed with. `index` as in `BranchValue`. */
export interface BranchError {
  readonly index: number;
  readonly agent: string;
  readonly error: ErrorJson;
}

/** The output of an invoked `scatter`. total = ok + failed + missing, and + invalid with a policy that names `valid`. */
export interface GatherOutput {
  /** Which end came: every branch has answered, `answered`, `good`, the count of `valid`, the time was over, or `spent`. */
  readonly outcome: 'all' | 'answered' | 'quorum' | 'valid' | 'deadline' | 'spent';
  readonly total: number;
  readonly ok: number;
  readonly failed: number;
  readonly missing: number;
  /** With `valid`: answers that it did not say yes to. */
  readonly invalid?: number;
  /** What the branches used until it ended, as far as they had told. */
  readonly spent?: Spent;
  /** Answers of branches that had answered already: dropped, never counted twice. */
  readonly duplicates: number;
  /** Sums over the accepted answers' `counts` (each a record of numbers). */
  readonly counts: Readonly<Record<string, number>>;
  /** With collect 'values': the accepted answers in branch order. */
  readonly values: readonly BranchValue[];
  /** With `valid` and collect 'values': the answers that it did not say yes to, in branch order. */
  readonly rejected?: readonly BranchValue[];
  /**
   * Only where the answers together are too large to be handed out, which is at 32 MB: those over 16 KB are here, in branch order, and not
   * in `values` and `rejected`.
   */
  readonly references?: readonly BranchReference[];
  /** The first errors (at most 20), in order of arrival. */
  readonly errors: readonly BranchError[];
}

export const MAX_GATHER_ERRORS = 20;

/** XState invoke logic with this key set to `true` is Quorate's scatter: recognised across copies of the package. */
export const SCATTER_LOGIC = Symbol.for('quorate.scatter');

/** On scatter logic whose policy is known before it is invoked: the name in its `valid`, which is looked for at registration. */
export const SCATTER_VALID = Symbol.for('quorate.scatter.valid');

/** What has become of each branch of an open gather. */
export interface GatherBranches {
  /**
   * A character a branch: `o` answered well, `f` failed, `i` not valid by the policy, `a` answered (with collect 'counts' nobody knows how),
   * `.` open, `-` not sent yet.
   */
  readonly cells: string;
  /** Branch n is for agent n modulo their number. */
  readonly agents: readonly string[];
  readonly policy: PolicyRecord;
  /** Epoch ms. */
  readonly deadlineAt?: number;
  /** Codes of those that failed, at most a hundred. */
  readonly failures: readonly { readonly branch: number; readonly code: string }[];
}

// A fan-out as data: branches, when a gather has enough answers, and how they are collected.
import type { Json } from './json.ts';
import type { ErrorJson } from './outcome.ts';
import type { PayloadRef } from './payload.ts';

/** When a gather has enough answers. `quorate` here is the field's word: enough have answered. */
export type GatherPolicy =
  /** Every branch has answered, well or badly. */
  | { readonly kind: 'all' }
  /** `count` branches have answered well; an error as soon as that can no longer happen. */
  | { readonly kind: 'quorum'; readonly count: number }
  /** Every branch has answered, or `ms` have passed: the best so far, an error if fewer than `atLeast` (default 1) answered well. */
  | { readonly kind: 'deadline'; readonly ms: number; readonly atLeast?: number };

/**
 * The input of an invoked `scatter`: one task per (item, agent) pair. Branch index = item index * agents.length + agent
 * index; the count is fixed when the scatter is committed. Items may be given by reference (a stored JSON array).
 */
export interface ScatterPlan {
  readonly agents: readonly string[];
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

/** What one branch failed with. `index` as in `BranchValue`. */
export interface BranchError {
  readonly index: number;
  readonly agent: string;
  readonly error: ErrorJson;
}

/** The output of an invoked `scatter`. total = ok + failed + missing. */
export interface GatherOutput {
  readonly outcome: 'all' | 'quorum' | 'deadline';
  readonly total: number;
  readonly ok: number;
  readonly failed: number;
  readonly missing: number;
  /** Answers of branches that had answered already: dropped, never counted twice. */
  readonly duplicates: number;
  /** Sums over the accepted answers' `counts` (each a record of numbers). */
  readonly counts: Readonly<Record<string, number>>;
  /** With collect 'values': the accepted answers in branch order. */
  readonly values: readonly BranchValue[];
  /** The first errors (at most 20), in order of arrival. */
  readonly errors: readonly BranchError[];
}

export const MAX_GATHER_ERRORS = 20;

/** XState invoke logic with this key set to `true` is Quorate's scatter: recognised across copies of the package. */
export const SCATTER_LOGIC = Symbol.for('quorate.scatter');

// The contract's gather types with the caller's own types for items and answers: what crosses the wire is the same JSON.
import type { Json } from '../contract/json.ts';
import type { ErrorJson } from '../contract/outcome.ts';
import type { PayloadRef } from '../contract/payload.ts';
import type { BranchValue, GatherOutput, ScatterPlan } from '../contract/scatter.ts';

/** `items` by value, or by reference to a stored array. */
export interface ScatterInput<Item = Json, Shared = Json> {
  readonly items: readonly Item[] | PayloadRef;
  readonly shared?: Shared;
}

/** What each agent of a scatter is asked with. */
export interface ScatterTask<Item = Json, Shared = Json> {
  readonly item: Item;
  readonly shared?: Shared;
}

export type PlanOf<Item = Json, Shared = Json> = Omit<ScatterPlan, 'items' | 'shared'> &
  ScatterInput<Item, Shared>;

export type Gathered<Value = Json> = Omit<GatherOutput, 'values'> & {
  readonly values: readonly (Omit<BranchValue, 'value'> & { readonly value: Value })[];
};

export type ScatterGatherOutput<Value = Json> =
  | (Gathered<Value> & { readonly status: 'gathered' })
  /** The policy was not met; `error.data` holds the counts and the first errors. */
  | { readonly status: 'failed'; readonly error: ErrorJson };

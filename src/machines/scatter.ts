// `scatter()` in setup({ actors }): the logic to invoke with a plan. Quorate recognises it by its mark and does not run it.
// What runs here is the local form, for machines under a plain createActor. It folds as Quorate does (gather.ts) and goes by
// the clock of the actor system, which tests advance. Offers do not lapse here: the broker ends them.
import type { PromiseActorLogic } from 'xstate';
import { fromPromise } from 'xstate';
import { fromErrorJson, QuorateError, toErrorJson } from '../contract/errors.ts';
import { copyJson, type Json } from '../contract/json.ts';
import type { Outcome } from '../contract/outcome.ts';
import { isPayloadRef, type PayloadRef } from '../contract/payload.ts';
import type { BranchValue, GatherOutput, ScatterPlan } from '../contract/scatter.ts';
import { checkNameOf, SCATTER_LOGIC } from '../contract/scatter.ts';
import {
  add,
  begin,
  type Check,
  type Decision,
  decide,
  decideAtTimeUp,
  emptyOutput,
  toOutput,
} from './gather.ts';
import { timeOf, unreachable } from './policies.ts';

/**
 * The name under which the factories invoke their scatter. No agent can take it: names of agents have no dot, and an
 * agent would win over the machine's own logic.
 */
export const SCATTER = 'quorate.scatter';

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

/** The contract's plan with the caller's own types: what crosses the wire is the same JSON. */
export type PlanOf<Item = Json, Shared = Json> = Omit<ScatterPlan, 'items' | 'shared'> &
  ScatterInput<Item, Shared>;

/** The contract's output with the caller's own type of answers. */
export type Gathered<Value = Json> = Omit<GatherOutput, 'values'> & {
  readonly values: readonly (Omit<BranchValue, 'value'> & { readonly value: Value })[];
};

/** Agent name -> its implementation, given `{ item, shared }`. */
export type LocalAgents = Readonly<Record<string, (task: never) => unknown>>;

/** Name in a policy's `valid` -> the function that the module of the machine exports under it. */
export type LocalChecks = Readonly<Record<string, (answer: never, shared: never) => boolean>>;

export interface ScatterOptions {
  /** Used outside Quorate only, for example by unit tests. */
  readonly agents?: LocalAgents;
  /** Used outside Quorate only: there the functions that policies name are found in the module of the machine. */
  readonly valid?: LocalChecks;
}

/**
 * The logic of a fan-out: each item of the plan is given to each of its agents, and the answers are gathered until the plan's
 * policy (`all`, `quorum`, `deadline`, `first`, or a record) is met. Invoke it with a plan as input.
 *
 * @param options `agents` and `valid` are for machines under a plain `createActor`, in unit tests for example; Quorate has its own.
 * @returns Promise logic for `setup({ actors })`. `onDone` gets a `Gathered`. `onError` gets GATHER_FAILED, or INPUT_INVALID and
 * AGENT_NOT_FOUND for a plan that cannot be carried out.
 * @example
 * ```ts
 * setup({ actors: { review: scatter<File, Finding>() } }).createMachine({
 *   context: ({ input }) => ({ files: input.files }),
 *   invoke: {
 *     src: 'review',
 *     input: ({ context }) => ({ agents: ['lint', 'style'], items: context.files, policy: quorum(3), collect: 'values' }),
 *   },
 * });
 * ```
 */
export function scatter<Item = Json, Value = Json, Shared = Json>({
  agents,
  valid = {},
}: ScatterOptions = {}): PromiseActorLogic<Gathered<Value>, PlanOf<Item, Shared>> {
  const local = fromPromise<Gathered<Value>, PlanOf<Item, Shared>>(async ({ input, system }) => {
    if (agents === undefined) {
      throw new QuorateError(
        'AGENT_NOT_FOUND',
        'a scatter runs in Quorate; elsewhere give it its agents: scatter({ agents: { name: (task) => ... } })',
      );
    }
    // Answers are what the caller says they are; in Quorate they come as JSON off the wire just the same.
    return (await gatherLocally(
      input as ScatterPlan,
      { agents, valid },
      system._clock,
    )) as unknown as Gathered<Value>;
  });
  return Object.assign(local, { [SCATTER_LOGIC]: true });
}

/** The longest timer of Node; a longer one rings at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

interface Clock {
  setTimeout(fn: () => void, ms: number): unknown;
  clearTimeout(id: unknown): void;
}

async function gatherLocally(
  plan: ScatterPlan,
  { agents, valid }: Required<ScatterOptions>,
  clock: Clock,
): Promise<GatherOutput> {
  const asks = toAsks(plan, agents);
  const check = checkOf(plan, valid);
  const { promise, resolve, reject } = Promise.withResolvers<GatherOutput>();
  let state = begin(plan);
  const output = (outcome: GatherOutput['outcome']): GatherOutput =>
    toOutput(state, outcome, {
      values: state.values.filter(isByValue),
      rejected: (state.rejected ?? []).filter(isByValue),
    });
  const settle = (decision: Decision): void => {
    if (decision.kind === 'done') resolve(output(decision.outcome));
    else if (decision.kind === 'failed') reject(fromErrorJson(decision.error));
  };
  const ms = timeOf(plan);
  const timer =
    ms === undefined || ms > LONGEST_TIMER_MS
      ? undefined
      : clock.setTimeout(() => settle(decideAtTimeUp(state)), ms);
  asks.forEach((ask, index) => {
    void run(ask).then((outcome) => {
      state = add(state, index, outcome, { check });
      settle(decide(state));
    });
  });
  if (asks.length === 0) resolve(emptyOutput(plan));
  return promise.finally(() => clock.clearTimeout(timer));
}

function checkOf({ policy }: ScatterPlan, checks: LocalChecks): Check | undefined {
  const valid = checkNameOf(policy);
  if (valid === undefined) return undefined;
  const check = Object.hasOwn(checks, valid) ? checks[valid] : undefined;
  if (check === undefined)
    throw invalid(
      `policy.valid: give it '${valid}' as the module exports it: scatter({ valid: { ${valid} } })`,
    );
  return check as Check;
}

/** True for every answer here: none lies in a payload store. */
function isByValue(kept: BranchValue | { readonly ref: PayloadRef }): kept is BranchValue {
  return 'value' in kept;
}

type Ask = () => unknown;

/** Gives one question for each branch, in their order. */
function toAsks(plan: ScatterPlan, agents: LocalAgents): Ask[] {
  const { items, agents: names, shared, policy } = plan;
  if (isPayloadRef(items)) throw invalid('items by reference can be read in Quorate only');
  const asks = items.flatMap((item) =>
    names.map((agent): Ask => {
      const implementation = Object.hasOwn(agents, agent) ? agents[agent] : undefined;
      if (implementation === undefined)
        throw new QuorateError('AGENT_NOT_FOUND', `scatter names agent '${agent}'`);
      const task = shared === undefined ? { item } : { item, shared };
      // A branch that changes what it is given changes nothing for the others: in Quorate each has its own message.
      return () => implementation(copyJson(task) as never);
    }),
  );
  const misfit = unreachable(policy, asks.length);
  if (misfit !== undefined) throw invalid(misfit);
  return asks;
}

function invalid(why: string): QuorateError {
  return new QuorateError('INPUT_INVALID', `input of scatter: ${why}`);
}

async function run(ask: Ask): Promise<Outcome> {
  try {
    return { status: 'done', output: ((await ask()) ?? null) as Json };
  } catch (thrown) {
    return { status: 'error', error: toErrorJson(thrown, 'TASK_FAILED') };
  }
}

// `scatter()` in setup({ actors }): the logic to invoke with a plan. Quorate knows it by its mark and never runs it here;
// what runs is the local form, for machines under a plain createActor.
import type { PromiseActorLogic } from 'xstate';
import { fromPromise } from 'xstate';
import { QuorateError } from '../contract/errors.ts';
import type { Json } from '../contract/json.ts';
import type { ScatterPlan } from '../contract/scatter.ts';
import { SCATTER_LOGIC } from '../contract/scatter.ts';
import type { LocalAgents } from './gather-locally.ts';
import { gatherLocally } from './gather-locally.ts';
import type { Gathered, PlanOf } from './gather-types.ts';

/**
 * The name under which the factories invoke their scatter. No agent can take it: names of agents have no dot, and an
 * agent would win over the machine's own logic.
 */
export const SCATTER = 'quorate.scatter';

export interface ScatterOptions {
  /** Used outside Quorate only, for example by unit tests. */
  readonly agents?: LocalAgents;
}

export function scatter<Item = Json, Value = Json, Shared = Json>({
  agents,
}: ScatterOptions = {}): PromiseActorLogic<Gathered<Value>, PlanOf<Item, Shared>> {
  const local = fromPromise<Gathered<Value>, PlanOf<Item, Shared>>(async ({ input, system }) => {
    if (agents === undefined) {
      throw new QuorateError(
        'AGENT_NOT_FOUND',
        'a scatter runs in Quorate; elsewhere give it its agents: scatter({ agents: { name: (task) => ... } })',
      );
    }
    // Answers are what the caller says they are; in Quorate they come as JSON off the wire just the same.
    return (await gatherLocally(input as ScatterPlan, agents, system._clock)) as unknown as Gathered<Value>;
  });
  return Object.assign(local, { [SCATTER_LOGIC]: true });
}

// A machine of one fan-out and its gather. Items go from the input straight into the scatter, and answers straight into the
// output; neither lies in the context. So the machine stays a few bytes, however wide it is.
import { setup } from 'xstate';
import { QuorateError } from '../contract/errors.ts';
import type { Json } from '../contract/json.ts';
import type { ErrorJson } from '../contract/outcome.ts';
import {
  checkNameOf,
  type GatherOutput,
  type GatherPolicy,
  SCATTER_VALID,
  type ScatterPlan,
} from '../contract/scatter.ts';
import { countBranches } from './gather.ts';
import { errorOf, inputOf, outputOf, type PatternMachine } from './pattern-machine.ts';
import { type Gathered, SCATTER, type ScatterInput, scatter } from './scatter.ts';

/** What a machine of `scatterGather` always does; the items come with its input. */
export interface ScatterGatherOptions {
  /** Default `scatterGather`. */
  readonly id?: string;
  /** Each item is given to each of these agents; with `topic`, to each of these subscriptions of it. */
  readonly agents: readonly string[];
  /** A topic of the configuration: each item is published to it once, and the copies are the branches. */
  readonly topic?: string;
  readonly policy: GatherPolicy;
  /** Default 'values': each answer is kept (at most 256). 'counts' keeps the sums of the answers' `counts` only. */
  readonly collect?: ScatterPlan['collect'];
  /** Upper bound in ms, whatever the policy. Default: the agents' longest deadline. */
  readonly deadlineMs?: number;
}

export interface ScatterGatherContext {
  /** Branches of the fan-out: one for each pair of item and agent. */
  readonly total: number;
}

/** How a machine of `scatterGather` ended. */
export type ScatterGatherOutput<Value = Json> =
  | (Gathered<Value> & { readonly status: 'gathered' })
  /** The policy was not met; `error.data` holds the counts and the first errors. */
  | { readonly status: 'failed'; readonly error: ErrorJson };

/** What `scatterGather` gives: input, output and states are exact. */
export type ScatterGatherMachine<Item = Json, Value = Json, Shared = Json> = PatternMachine<{
  context: ScatterGatherContext;
  event: { type: never };
  value: 'scattering' | 'gathered' | 'failed';
  tag: 'gathered' | 'failed';
  input: ScatterInput<Item, Shared>;
  output: ScatterGatherOutput<Value>;
}>;

/**
 * Makes a machine that gives each item of its input to each agent, and gathers the answers. Register it, or invoke it as a child.
 *
 * The machine's input is `{ items, shared? }`; each agent is asked with `{ item, shared }`. It always ends with an output, with status
 * `'gathered'` or `'failed'`. docs/patterns.md has its drawing.
 *
 * @throws CONFIG_INVALID when no agent is named.
 * @example
 * ```ts
 * export const summaries = scatterGather<Page, Summary>({
 *   id: 'summaries',
 *   agents: ['summarize', 'skim'],
 *   policy: quorum(3),
 * });
 * ```
 */
export function scatterGather<Item = Json, Value = Json, Shared = Json>(
  options: ScatterGatherOptions,
): ScatterGatherMachine<Item, Value, Shared> {
  const { id = 'scatterGather', agents, topic, policy, collect = 'values', deadlineMs } = options;
  if (agents.length === 0) throw new QuorateError('CONFIG_INVALID', `${id}: agents: name at least one`);
  const fixed = {
    agents,
    ...(topic === undefined ? {} : { topic }),
    policy,
    collect,
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
  };

  const machine = setup({
    types: {
      context: {} as ScatterGatherContext,
      input: {} as ScatterInput,
      output: {} as ScatterGatherOutput,
      tags: {} as 'gathered' | 'failed',
    },
    actors: { [SCATTER]: Object.assign(scatter(), { [SCATTER_VALID]: checkNameOf(policy) }) },
  }).createMachine({
    id,
    context: ({ input }) => {
      // Also called without input, when a snapshot is restored.
      const { items = [] } = (input ?? {}) as Partial<ScatterInput>;
      return { total: countBranches({ items, agents }) };
    },
    initial: 'scattering',
    states: {
      scattering: {
        invoke: {
          id: 'gather',
          src: SCATTER,
          input: ({ event }) => ({ ...(inputOf(event) as ScatterInput), ...fixed }),
          onDone: 'gathered',
          onError: 'failed',
        },
      },
      gathered: {
        type: 'final',
        tags: 'gathered',
        output: ({ event }) => ({ status: 'gathered', ...(outputOf(event) as GatherOutput) }),
      },
      failed: {
        type: 'final',
        tags: 'failed',
        output: ({ event }) => ({ status: 'failed', error: errorOf(event) }),
      },
    },
    output: ({ event }) => outputOf(event) as ScatterGatherOutput,
  });
  return machine as unknown as ScatterGatherMachine<Item, Value, Shared>;
}

// Typed identity helpers for configurations: they change nothing and check nothing (`resolveConfig` does). What a configuration
// may say of an agent follows from what its machines ask of the agent of that name.
import type { AnyStateMachine, PromiseActorLogic, StateMachine } from 'xstate';
import type {
  AgentConfig,
  AgentContext,
  CpuAgent,
  IoAgent,
  MachineConfig,
  QuorateConfig,
} from '../contract/config.ts';
import type { Answer, Json } from '../contract/json.ts';

/**
 * Types a configuration. It changes nothing and checks nothing at run time: `createRuntime` and `resolveConfig` do.
 *
 * It keeps the literal types, so that `connect<typeof config>()` knows machine types, ids, events, inputs and outputs. Where
 * `defineMachine<typeof m>` says what a machine asks of an agent (`agent<Out, In>`), the `run` of that agent has to fit.
 *
 * @returns The configuration as it was given.
 * @example
 * ```ts
 * export const config = defineConfig({
 *   machines: { summary: defineMachine<typeof summary>({ module, export: 'summary', version: '1' }) },
 *   agents: { summarize: { run: (text: string) => ({ words: text.split(' ').length }) } },
 * });
 * ```
 */
export function defineConfig<const C extends QuorateConfig>(config: C & CheckedAgents<C>): C {
  return config;
}

/**
 * Types where a machine is. A type-only import of the machine is enough: its module is loaded in worker threads.
 *
 * @returns The entry for `machines` as it was given.
 * @example
 * ```ts
 * import type { review } from './review.machine.ts';
 *
 * const module = new URL('./review.machine.ts', import.meta.url);
 * const entry = defineMachine<typeof review>({ module, export: 'review', version: '1' });
 * ```
 */
export function defineMachine<M extends AnyStateMachine>(
  machine: Omit<MachineConfig<M>, 'machine'>,
): MachineConfig<M> {
  return machine;
}

/** What the agent's function takes is what it declares: Quorate hands it the JSON that the machine asked with. */
interface TypedIoAgent<I> extends Omit<IoAgent, 'run'> {
  readonly run: (input: I, context: AgentContext) => Promise<Answer> | Answer;
}

/**
 * Types an agent by itself, in a file of its own for example. `I` is its input: the JSON that a machine asks with.
 *
 * @returns The entry for `agents` as it was given.
 * @example
 * ```ts
 * const summarize = defineAgent<string>({
 *   timeoutMs: 30_000,
 *   run: async (text, { key, signal }) => callModel(text, { idempotencyKey: key, signal }),
 * });
 * ```
 */
export function defineAgent<I>(agent: TypedIoAgent<I>): TypedIoAgent<I>;
export function defineAgent(agent: CpuAgent): CpuAgent;
export function defineAgent(agent: AgentConfig): AgentConfig {
  return agent;
}

// What an agent may answer, and whether it fits what the machines of its configuration ask of the agent of its name.

/** The logic that a machine's setup({ actors }) has under a name. */
// oxlint-disable-next-line typescript/no-explicit-any -- the border to users' own machines
type Any = any;
type LogicOf<M, Name> =
  M extends StateMachine<Any, Any, Any, infer A, Any, Any, Any, Any, Any, Any, Any, Any, Any, Any>
    ? Extract<A, { readonly src: Name }> extends { readonly logic: infer L }
      ? L
      : never
    : never;

/** `agent<Out, In>` of each machine whose type is known. */
type AskedOf<C extends QuorateConfig, Name> = {
  [T in keyof C['machines']]: C['machines'][T] extends MachineConfig<infer M> ? LogicOf<M, Name> : never;
}[keyof C['machines']];

type IsAny<T> = 0 extends 1 & T ? true : false;

/** Nothing to compare with where either side says `Json`, which is any, or where an agent's own types are not known. */
type Fits<Run, In, Out> = Run extends (input: infer Given, ...rest: never[]) => infer Answered
  ? [Json] extends [In | Given]
    ? FitsOutput<Awaited<Answered>, Out>
    : [In] extends [Given]
      ? FitsOutput<Awaited<Answered>, Out>
      : false
  : true;

type FitsOutput<Answered, Out> = [Answer] extends [Answered]
  ? true
  : [Json] extends [Out]
    ? true
    : [Answered] extends [Out]
      ? true
      : [Answered] extends [void]
        ? [null] extends [Out]
          ? true
          : [undefined] extends [Out]
            ? true
            : false
        : false;

type Checked<Agent, Logic> = [Logic] extends [never]
  ? unknown
  : IsAny<Logic> extends true
    ? unknown
    : Agent extends { readonly run: infer Run }
      ? Logic extends PromiseActorLogic<infer Out, infer In>
        ? Fits<Run, In, Out> extends true
          ? unknown
          : { readonly run: (input: In, context: AgentContext) => Out | Promise<Out> }
        : unknown
      : unknown;

/** What `defineConfig` asks beside a configuration: each `run` takes and gives what the machines say. */
type CheckedAgents<C extends QuorateConfig> = {
  readonly agents?: { readonly [Name in keyof C['agents']]: Checked<C['agents'][Name], AskedOf<C, Name>> };
};

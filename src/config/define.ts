// Typed identity helpers for configurations: they change nothing and check nothing (`resolveConfig` does).
import type { AnyStateMachine } from 'xstate';
import type { CheckedAgents } from '../contract/agents.ts';
import type {
  AgentConfig,
  AgentContext,
  CpuAgent,
  IoAgent,
  MachineConfig,
  QuorateConfig,
} from '../contract/config.ts';
import type { Answer } from '../contract/json.ts';

/**
 * Keeps the literal types, so that `connect<typeof config>()` knows machine types, ids, events, inputs and outputs.
 * Where `defineMachine<typeof m>` says what a machine asks of an agent (`agent<Out, In>`), its `run` is held to it.
 */
export function defineConfig<const C extends QuorateConfig>(config: C & CheckedAgents<C>): C {
  return config;
}

/** `defineMachine<typeof review>({ module, export, version })`: a type-only import of the machine is enough. */
export function defineMachine<M extends AnyStateMachine>(
  machine: Omit<MachineConfig<M>, 'machine'>,
): MachineConfig<M> {
  return machine;
}

/** What the agent's function takes is what it declares: Quorate hands it the JSON that the machine asked with. */
export interface TypedIoAgent<I> extends Omit<IoAgent, 'run'> {
  readonly run: (input: I, context: AgentContext) => Promise<Answer> | Answer;
}

export function defineAgent<I>(agent: TypedIoAgent<I>): TypedIoAgent<I>;
export function defineAgent(agent: CpuAgent): CpuAgent;
export function defineAgent(agent: AgentConfig): AgentConfig {
  return agent;
}

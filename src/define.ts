// Typed identity helpers for configurations: they change nothing and check nothing (`resolveConfig` does).
import type { AnyStateMachine } from 'xstate';
import type {
  AgentConfig,
  AgentContext,
  CpuAgent,
  IoAgent,
  MachineConfig,
  QuorateConfig,
} from './contract/config.ts';
import type { Json } from './contract/json.ts';

/** Keeps the literal types, so that `connect<typeof config>()` knows machine types, ids, events, inputs and outputs. */
export function defineConfig<const C extends QuorateConfig>(config: C): C {
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
  readonly run: (input: I, context: AgentContext) => Promise<Json | void> | Json | void;
}

export function defineAgent<I>(agent: TypedIoAgent<I>): IoAgent;
export function defineAgent(agent: CpuAgent): CpuAgent;
export function defineAgent(agent: AgentConfig): AgentConfig {
  return agent;
}

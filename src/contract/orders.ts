// What people order of all processes while they run: pauses of agents, prices (docs/control.md).
import type { LimitCall } from './limits.ts';
import type { Price } from './usage.ts';

/** No process begins a task of the agent. */
export interface AgentPause {
  /** As it was given; absent where none was. */
  readonly reason?: string;
  /** Epoch ms. */
  readonly since: number;
}

/** Agents by name, as far as a process that follows has named them: what `quorate agents` does. A client has it as `client.agents`. */
export interface SharedAgents {
  /**
   * Name -> its pause, or null where it is not paused; sorted by name. Empty where no process has followed yet. Throws RESULT_TIMEOUT
   * where no host with actors runs.
   */
  list(options?: LimitCall): Promise<Readonly<Record<string, AgentPause | null>>>;
  /**
   * No process begins a task of the agent until it is resumed; what runs runs to its end. Paused already, it has the new reason. Throws
   * AGENT_NOT_FOUND for a name that no process has; NOT_FOLLOWED where `atRunTime` is not configured; RESULT_TIMEOUT; INPUT_INVALID for a
   * reason of more than 500 characters.
   */
  pause(name: string, options?: LimitCall & { readonly reason?: string }): Promise<AgentPause>;
  /** Its tasks begin again. Does nothing where it is not paused. Throws what `pause` throws. */
  resume(name: string, options?: LimitCall): Promise<void>;
}

/** A price that counts, with its number. */
export interface RevisedPrice extends Price {
  /** Of the configuration, or one more than that it was changed over. */
  readonly revision: number;
}

/** What a model costs from now on. */
export interface PriceChange extends Omit<Price, 'at' | 'revision'> {
  /** The day that it is of, YYYY-MM-DD. Default: today, in UTC. */
  readonly at?: string;
}

/** Prices by model, for all processes: what `quorate prices` does. A client has it as `client.prices`. */
export interface SharedPrices {
  /** What counts, sorted by model. Empty where no process has followed yet. Throws RESULT_TIMEOUT where no host with actors runs. */
  list(options?: LimitCall): Promise<Readonly<Record<string, RevisedPrice>>>;
  /**
   * Changes what a model costs, also one that had no price. It counts until it is changed again, or a configuration has a higher `revision`
   * for it. What was booked stays booked. Throws INPUT_INVALID; NOT_FOLLOWED where `atRunTime` is not configured; RESULT_TIMEOUT.
   */
  set(model: string, price: PriceChange, options?: LimitCall): Promise<RevisedPrice>;
}

// What another service holds in its hands, typed by the machines of a configuration.
import type {
  AnyStateMachine,
  ContextFrom,
  EventFromLogic,
  InputFrom,
  OutputFrom,
  StateValueFrom,
} from 'xstate';
import type { ActorAddress } from './address.ts';
import type { MachineConfig, QuorateConfig } from './config.ts';
import type { QueryAnswer } from './wire.ts';

type Machines<C extends QuorateConfig> = C['machines'];
export type MachineType<C extends QuorateConfig> = keyof Machines<C> & string;
export type MachineOf<C extends QuorateConfig, T extends MachineType<C>> =
  Machines<C>[T] extends MachineConfig<infer M> ? M : AnyStateMachine;

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Default 60,000. */
  readonly timeoutMs?: number;
}

export interface StartOptions<I> extends CallOptions {
  readonly id: string;
  readonly input?: I;
}

export type TypedQuery<M extends AnyStateMachine> = Omit<QueryAnswer, 'value' | 'context' | 'output'> & {
  readonly value: StateValueFrom<M>;
  readonly context: ContextFrom<M>;
  readonly output?: OutputFrom<M>;
};

export interface QuorateClient<C extends QuorateConfig = QuorateConfig> {
  /** Idempotent for the retention time: a second start of the same id answers 'exists'. */
  start<T extends MachineType<C>>(
    type: T,
    options: StartOptions<InputFrom<MachineOf<C, T>>>,
  ): Promise<{ readonly address: ActorAddress; readonly answer: 'started' | 'exists' }>;
  /** Accepted once it is on the broker's disk. `key` makes repeats of the same send harmless within the duplicate window. */
  send<T extends MachineType<C>>(
    type: T,
    id: string,
    event: EventFromLogic<MachineOf<C, T>>,
    options?: CallOptions & { readonly key?: string },
  ): Promise<void>;
  /** Throws ACTOR_NOT_FOUND. */
  query<T extends MachineType<C>>(
    type: T,
    id: string,
    options?: CallOptions,
  ): Promise<TypedQuery<MachineOf<C, T>>>;
  /** The output once the actor is done. Throws its error, ACTOR_NOT_FOUND or RESULT_TIMEOUT. */
  result<T extends MachineType<C>>(
    type: T,
    id: string,
    options?: CallOptions,
  ): Promise<OutputFrom<MachineOf<C, T>>>;
  close(): Promise<void>;
}

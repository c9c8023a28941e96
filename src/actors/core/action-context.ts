// What the actions of one macrostep are applied to, and how XState gives those that send.
import type { AnyActorRef, AnyStateMachine, EventObject } from 'xstate';
import type { ActorAddress } from '../../contract/address.ts';
import type { Outcome } from '../../contract/outcome.ts';
import type { Draft } from './draft.ts';
import type { LiveMachine } from './live.ts';
import type { AddressOf } from './references.ts';

export interface RaiseParams {
  readonly event: EventObject;
  readonly id?: string;
  readonly delay?: number;
}

export interface SendParams extends RaiseParams {
  readonly to: AnyActorRef | ActorAddress;
}

/** What a machine is told in the same turn, after this macrostep: events to itself, and ends of children. */
export type Pending =
  | { readonly event: EventObject }
  | { readonly childId: string; readonly outcome: Outcome };

export interface ActionContext {
  readonly draft: Draft;
  readonly live: LiveMachine;
  /** With its author's implementations: they decide what a name stands for. */
  readonly machine: AnyStateMachine;
  readonly pending: Pending[];
  /** For what leaves the actor. */
  readonly addressOf: AddressOf;
  /** Children that this macrostep starts; entry actions may send to an invoked child before its start is reported. */
  readonly starting: Map<AnyActorRef, SendParams[]>;
}

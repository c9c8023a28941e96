// The type of the machines that the factories give. Everything that a user's code meets is exact, and nothing inside shows: a
// state that is added to a pattern breaks no caller's types.
import type {
  AnyActorRef,
  EventObject,
  MetaObject,
  ParameterizedObject,
  ProvidedActor,
  StateMachine,
  StateSchema,
  StateValue,
} from 'xstate';
import { toErrorJson } from '../contract/errors.ts';
import type { Json } from '../contract/json.ts';
import type { ErrorJson } from '../contract/outcome.ts';

interface PatternTypes {
  readonly context: object;
  readonly event: EventObject;
  readonly value: StateValue;
  readonly tag: string;
  readonly input: unknown;
  readonly output: unknown;
}

export type PatternMachine<T extends PatternTypes> = StateMachine<
  { [K in keyof T['context']]: T['context'][K] },
  T['event'],
  Record<string, AnyActorRef | undefined>,
  ProvidedActor,
  ParameterizedObject,
  ParameterizedObject,
  string,
  T['value'],
  T['tag'],
  T['input'],
  T['output'],
  EventObject,
  MetaObject,
  StateSchema
>;

// Reads and makes XState's own events, which are no part of a machine's declared events.

/** The input of the actor, from its `xstate.init`. */
export function inputOf(event: EventObject): unknown {
  return (event as EventObject & { readonly input: unknown }).input;
}

/** The output in an `xstate.done.*`. */
export function outputOf(event: EventObject): unknown {
  return (event as EventObject & { readonly output: unknown }).output;
}

/** The error in an `xstate.error.*`: an Error under createActor, in Quorate a plain object that reads like one. */
export function errorOf(event: EventObject): ErrorJson {
  const { error } = event as EventObject & { readonly error: unknown };
  if (error instanceof Error || !isErrorLike(error)) return toErrorJson(error, 'TASK_FAILED');
  const { code = 'TASK_FAILED', message, name, data } = error;
  return {
    code,
    message,
    ...(name === undefined ? {} : { name }),
    ...(data === undefined ? {} : { data }),
  };
}

interface ErrorLike {
  readonly message: string;
  readonly code?: string;
  readonly name?: string;
  readonly data?: Json;
}

function isErrorLike(value: unknown): value is ErrorLike {
  return (
    typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string'
  );
}

export type Escalation = Pick<ErrorJson, 'code' | 'message' | 'data'>;

/**
 * An event that ends a machine with status 'error' without a throw, so that its parent's `onError` is taken: XState ends a
 * machine when the error of an actor reaches it and nothing handles it. A throw in an action would be a poisoned turn instead
 * (I7). Send it to oneself, in a state that handles nothing any more.
 */
export function toEscalation({ code, message, data }: Escalation) {
  const error = { name: 'Error', code, message, ...(data === undefined ? {} : { data }) };
  return { type: 'xstate.error.actor.escalated', error };
}

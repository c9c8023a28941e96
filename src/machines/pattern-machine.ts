// The type of the machines that the factories here give: everything that a user's code meets is exact, and nothing that
// is inside shows, so that a state added to a pattern breaks no caller's types.
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

// XState's own events: they are no part of a machine's declared events, so this is the border to read them and to make one.

/** Of `xstate.init`: what the actor was started with. */
export function inputOf(event: EventObject): unknown {
  return (event as EventObject & { readonly input: unknown }).input;
}

/** Of `xstate.done.*`. */
export function outputOf(event: EventObject): unknown {
  return (event as EventObject & { readonly output: unknown }).output;
}

/** Of `xstate.error.*`: an Error under createActor, in Quorate a plain object that reads like one. */
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
 * How a machine ends with status 'error' without throwing, so that its parent's `onError` is taken: XState ends it so when an
 * actor's error reaches it that nothing handles. A throw in an action would be a poisoned turn instead (I7). To be sent to
 * oneself, in a state that handles nothing any more.
 */
export function toEscalation({ code, message, data }: Escalation) {
  const error = { name: 'Error', code, message, ...(data === undefined ? {} : { data }) };
  return { type: 'xstate.error.actor.escalated', error };
}

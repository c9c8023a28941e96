// What XState's own events carry: they are no part of a machine's declared events, so this is the border to read them.
import type { EventObject } from 'xstate';
import { toErrorJson } from '../contract/errors.ts';
import type { Json } from '../contract/json.ts';
import type { ErrorJson } from '../contract/outcome.ts';

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

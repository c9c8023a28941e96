// Errors as data on both sides of a machine: what it is told of a failed task, and what is told of its own failure.

import { QuorateError, toErrorJson } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import type { ErrorJson } from '../../contract/outcome.ts';

/** A plain object that reads like an Error, so that it can lie in a context and be persisted. */
export function toMachineError(error: ErrorJson): Json {
  return {
    name: error.name ?? 'Error',
    code: error.code,
    message: error.message,
    ...(error.data === undefined ? {} : { data: error.data }),
  };
}

/** What a machine ended with (`snapshot.error`): one of ours that nothing handled, or anything a machine put there. */
export function fromMachineError(error: unknown): ErrorJson {
  return toErrorJson(error, 'MACHINE_THREW');
}

/** Why an input was rejected: a coded error keeps its code, everything else is the machine's fault. */
export function toRejection(thrown: unknown): ErrorJson {
  if (thrown instanceof QuorateError) return toErrorJson(thrown, thrown.code);
  // XState's own words for a macrostep without end.
  if (thrown instanceof Error && thrown.message.startsWith('Infinite loop detected')) {
    return { code: 'MACHINE_LOOPS', message: thrown.message };
  }
  return { ...toErrorJson(thrown, 'MACHINE_THREW'), code: 'MACHINE_THREW' };
}

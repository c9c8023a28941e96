// How a call is bounded, what it refuses at once, and the errors that it ends with.
import { checkJson } from '../contract/border.ts';
import type { CallOptions } from '../contract/client.ts';
import { actorQueue } from '../contract/entities.ts';
import { fromErrorJson, QuorateError } from '../contract/errors.ts';
import type { Json } from '../contract/json.ts';
import { MAX_KEY_LENGTH } from '../contract/sizes.ts';
import type { AnswerBody } from '../contract/wire.ts';

export const DEFAULT_TIMEOUT_MS = 60_000;
/** The longest timer of Node; a longer one rings at once. */
const LONGEST_TIMEOUT_MS = 2_147_483_647;

/** A missing queue of actors means that nobody hosts the type: the error names the type. */
export function sayUnknownType(entity = ''): (thrown: unknown) => never {
  return (thrown) => {
    const prefix = actorQueue('');
    const isMissing =
      thrown instanceof QuorateError &&
      thrown.code === 'TOPOLOGY_MISMATCH' &&
      !/disabled/i.test(thrown.message);
    if (!isMissing || !entity.startsWith(prefix)) throw thrown;
    const message = `no machine type '${entity.slice(prefix.length)}' here: no host of it has made its queue`;
    throw new QuorateError('MACHINE_NOT_FOUND', message, { cause: thrown });
  };
}

export function noAnswer(type: string, id: string, to = ''): QuorateError {
  const message = `${type}/${id} did not answer ${to}in time: does a host of it run?`;
  return new QuorateError('RESULT_TIMEOUT', message);
}

export function unexpected(body: AnswerBody): Error {
  return body.answer === 'error' ? fromErrorJson(body.error) : new Error(`unexpected answer: ${body.answer}`);
}

export function isNotFound(thrown: unknown): boolean {
  return thrown instanceof QuorateError && thrown.code === 'ACTOR_NOT_FOUND';
}

export function checkInput(input: unknown, of: string): Json {
  return checkJson(input, { of, path: 'input', code: 'INPUT_INVALID' });
}

export function timeoutOf({ timeoutMs = DEFAULT_TIMEOUT_MS }: CallOptions = {}): number {
  if (typeof timeoutMs === 'number' && timeoutMs >= 0) return Math.min(timeoutMs, LONGEST_TIMEOUT_MS);
  throw new QuorateError(
    'INPUT_INVALID',
    `timeoutMs must be a number of ms from 0 on, not ${String(timeoutMs)}`,
  );
}

export function checkKey(key: unknown): void {
  if (key === undefined || (typeof key === 'string' && key !== '' && key.length <= MAX_KEY_LENGTH)) return;
  const given = typeof key === 'string' ? `one of ${key.length}` : typeof key;
  throw new QuorateError(
    'INPUT_INVALID',
    `key must be a text of 1 to ${MAX_KEY_LENGTH} characters, not ${given}`,
  );
}

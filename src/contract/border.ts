// The one check of values at every border: input, events, answers, what a machine asks for and gives back. Contexts are
// held to the same (actors/core/to-json.ts).
import { MAX_ACTOR_ID_LENGTH } from './address.ts';
import { QuorateError } from './errors.ts';
import type { EventJson, Json } from './json.ts';
import { isJson, lossOf } from './loss.ts';

export interface Border {
  /** Whose value it is, for the message: "order/17", "agent 'summarize'". */
  readonly of: string;
  /** What the path in the message begins with. */
  readonly path: string;
  readonly code: 'INPUT_INVALID' | 'OUTPUT_INVALID';
}

/**
 * Gives the value as JSON: usually the value itself, else a copy without `undefined` fields. Throws an error with the path
 * of what is no JSON.
 */
export function checkJson(value: unknown, { of, path, code }: Border): Json {
  if (value === undefined) return null;
  if (isJson(value)) return value;
  const loss = lossOf(value, path);
  if (loss !== undefined) throw new QuorateError(code, `${of}: ${loss}`);
  return JSON.parse(JSON.stringify(value)) as Json;
}

/** No machine names events that are longer. */
const MAX_EVENT_TYPE = 256;

export function checkEvent(value: unknown, of: string): EventJson {
  const event = checkJson(value, { of, path: 'event', code: 'INPUT_INVALID' });
  const type = typeof event === 'object' && event !== null ? (event as { type?: unknown }).type : undefined;
  if (typeof type !== 'string' || type === '' || type.length > MAX_EVENT_TYPE) {
    const must = `event must be an object whose \`type\` is a text of 1 to ${MAX_EVENT_TYPE} characters`;
    throw new QuorateError('INPUT_INVALID', `${of}: ${must}`);
  }
  if (isReservedEvent(type)) {
    const whose = 'types that begin with "xstate." or "quorate." are made by Quorate alone';
    throw new QuorateError('INPUT_INVALID', `${of}: event of type '${type}': ${whose}`);
  }
  return event as EventJson;
}

const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u;

/** Why no actor can have this id; undefined for one that it can have. */
function idFault(id: unknown): string | undefined {
  if (typeof id !== 'string') return `an actor id must be a text, not ${id === null ? 'null' : typeof id}`;
  if (id === '') return 'an actor id is empty';
  if (id.length > MAX_ACTOR_ID_LENGTH)
    return `an actor id of ${id.length} characters; at most ${MAX_ACTOR_ID_LENGTH}`;
  if (CONTROL.test(id))
    return `the actor id ${JSON.stringify(id)} has a line break, a tab or another control character`;
  if (!id.isWellFormed()) return `the actor id ${JSON.stringify(id)} has half of a character in it`;
  return undefined;
}

export function checkActorId(id: unknown, type: string): string {
  const fault = idFault(id);
  if (fault !== undefined) throw new QuorateError('ACTOR_ID_INVALID', `${type}: ${fault}`);
  return id as string;
}

// Event types that nobody outside may send: with `xstate.done.actor.x` a stranger could end a task of another.

export function isReservedEvent(type: string): boolean {
  return type.startsWith('xstate.') || type.startsWith('quorate.');
}

// JSON normalisation: what a turn returns must survive the wire unchanged, and the same inputs must give the same bytes (I6).
import type { EventJson, Json } from '../../contract/json.ts';
import type { AddressOf } from './references.ts';
import { isWrittenReference } from './references.ts';

/** Deeper values are left to JSON.stringify, which names a cycle instead of overflowing the stack. */
const MAX_WALK_DEPTH = 200;

/**
 * The value itself when it is JSON already (the usual case costs no copy), else its copy through JSON text. With
 * `addressOf` it is fit for other actors: a reference becomes the address of the actor that it stands for.
 */
export function toJson(value: unknown, addressOf?: AddressOf): Json {
  if (isJson(value)) return value;
  const text = JSON.stringify(value, (_key, item: unknown) => {
    refuseCollections(item);
    return isWrittenReference(item) ? (addressOf?.(item.id) ?? item) : item;
  });
  return text === undefined ? null : (JSON.parse(text) as Json);
}

/** JSON text would make `{}` of them without a word. */
function refuseCollections(value: unknown): void {
  if (value instanceof Map || value instanceof Set) {
    throw new TypeError(`a ${value.constructor.name} does not survive JSON; use a plain object or array`);
  }
}

export function toEventJson(event: { readonly type: string }, addressOf?: AddressOf): EventJson {
  return toJson(event, addressOf) as EventJson;
}

export function isJson(value: unknown, depth = 0): value is Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      // JSON text has no -0, NaN or Infinity.
      return Number.isFinite(value) && !Object.is(value, -0);
    case 'object':
      if (value === null) return true;
      if (depth > MAX_WALK_DEPTH) return false;
      return Array.isArray(value) ? isJsonArray(value, depth) : isJsonObject(value, depth);
    default:
      return false;
  }
}

function isJsonArray(array: readonly unknown[], depth: number): boolean {
  for (const item of array) if (!isJson(item, depth + 1)) return false;
  return true;
}

function isJsonObject(object: object, depth: number): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype !== Object.prototype && prototype !== null) return false;
  if ('toJSON' in object) return false;
  for (const value of Object.values(object)) if (!isJson(value, depth + 1)) return false;
  return true;
}

const utf8 = new TextEncoder();

export function jsonBytes(value: unknown): number {
  return utf8.encode(JSON.stringify(value)).length;
}

// Finds what would not come back unchanged from JSON text. Such a value works until it has crossed a thread, a message or a
// state, and then it is something else. So every border refuses it when it first appears, with its path.
import type { Json } from './json.ts';

/** Deeper values are walked with their path in hand, which finds a cycle instead of overflowing the stack. */
const QUICK_DEPTH = 200;
/** JSON.stringify itself gives up at some thousands. */
const MAX_DEPTH = 1_000;

/** Objects that a border writes in a special form: actor references. */
export type Writes = (value: object) => boolean;

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
      if (depth > QUICK_DEPTH) return false;
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

/** `path` is what the value is called in the message: "context", "input". Undefined fields may be missing afterwards. */
export function lossOf(value: unknown, path: string, writes: Writes = () => false): string | undefined {
  return new Walk(writes).look(value, path);
}

class Walk {
  readonly #writes: Writes;
  readonly #above = new Set<object>();

  constructor(writes: Writes) {
    this.#writes = writes;
  }

  look(value: unknown, path: string): string | undefined {
    switch (typeof value) {
      case 'function':
        return `${path} is a function; keep what it needs as data`;
      case 'symbol':
      case 'bigint':
        return `${path} is a ${typeof value === 'bigint' ? 'BigInt' : 'symbol'}; keep it as text`;
      case 'number':
        return Number.isFinite(value) ? undefined : `${path} is ${value}, which JSON does not have; use null`;
      case 'object':
        return value === null ? undefined : this.#enter(value, path);
      default:
        return undefined;
    }
  }

  #enter(value: object, path: string): string | undefined {
    if (this.#writes(value)) return undefined;
    if (this.#above.has(value)) return `${path} is circular: it holds itself; keep ids instead`;
    if (this.#above.size > MAX_DEPTH)
      return `${shorten(path)} lies deeper than ${MAX_DEPTH} levels; flatten it`;
    this.#above.add(value);
    const loss = Array.isArray(value) ? this.#inArray(value, path) : this.#inObject(value, path);
    this.#above.delete(value);
    return loss;
  }

  #inArray(array: readonly unknown[], path: string): string | undefined {
    for (const [index, item] of array.entries()) {
      if (item === undefined) return `${path}[${index}] is undefined, which JSON makes null`;
      const loss = this.look(item, `${path}[${index}]`);
      if (loss !== undefined) return loss;
    }
    return undefined;
  }

  #inObject(value: object, path: string): string | undefined {
    if (!isPlain(value)) return `${path} ${whatInstead(value)}`;
    for (const [key, item] of Object.entries(value)) {
      const loss = this.look(item, `${path}.${key}`);
      if (loss !== undefined) return loss;
    }
    return undefined;
  }
}

/** Also an object of another realm, as a test runner's own, whose prototype is that realm's. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

function whatInstead(value: object): string {
  const name = nameOf(value);
  if (value instanceof Date)
    return 'is a Date, which comes back as text; keep its getTime() or toISOString()';
  if (value instanceof Map || value instanceof Set) return `is a ${name}; keep a plain object or array`;
  if (value instanceof Error) return `is an Error (${name}); keep its message`;
  if (value instanceof Promise) return 'is a Promise; await it first';
  return `is an instance of ${name}, which comes back without its class; keep a plain object`;
}

function nameOf(value: object): string {
  const made: unknown = value.constructor;
  return typeof made === 'function' && made.name !== '' ? made.name : 'a class';
}

function shorten(path: string): string {
  return path.length <= 60 ? path : `${path.slice(0, 60)}...`;
}

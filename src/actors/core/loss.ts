// What of a context would not come back from the session state as it was. It works under createActor and for the rest of
// a batch, and then it is something else: so it is refused when it first appears, by its path.
import { QuorateError } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import { isJson, toJson } from './json.ts';

/** A cycle is left to JSON.stringify, which names it. */
const MAX_DEPTH = 200;

/** `context` as JSON; throws what stands in the way. */
export function contextToJson(context: unknown, machine: string): Json {
  if (isJson(context)) return context;
  const loss = findLoss(context, 'context', 0);
  if (loss === undefined) return toJson(context);
  throw new QuorateError('MACHINE_NOT_DURABLE', `machine '${machine}': ${loss}`);
}

function findLoss(value: unknown, path: string, depth: number): string | undefined {
  switch (typeof value) {
    case 'function':
      return `${path} is a function; put it into setup() and keep its name`;
    case 'symbol':
    case 'bigint':
      return `${path} is a ${typeof value === 'bigint' ? 'BigInt' : 'symbol'}; keep it as text`;
    case 'number':
      return Number.isFinite(value) ? undefined : `${path} is ${value}, which JSON does not have; use null`;
    case 'object':
      return value === null || depth > MAX_DEPTH ? undefined : findLossIn(value, path, depth);
    default:
      return undefined;
  }
}

function findLossIn(value: object, path: string, depth: number): string | undefined {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      if (item === undefined) return `${path}[${index}] is undefined, which JSON makes null`;
      const loss = findLoss(item, `${path}[${index}]`, depth + 1);
      if (loss !== undefined) return loss;
    }
    return undefined;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return `${path} ${whatInstead(value)}`;
  for (const [key, item] of Object.entries(value)) {
    const loss = findLoss(item, `${path}.${key}`, depth + 1);
    if (loss !== undefined) return loss;
  }
  return undefined;
}

function whatInstead(value: object): string {
  const { name } = value.constructor;
  if (value instanceof Date)
    return 'is a Date, which comes back as text; keep its getTime() or toISOString()';
  if (value instanceof Map || value instanceof Set) return `is a ${name}; keep a plain object or array`;
  if (value instanceof Error) return `is an Error (${name}); keep its message`;
  return `is an instance of ${name}, which comes back without its class; keep a plain object`;
}

/** A value that survives `JSON.stringify` and back unchanged: what states, messages and results are made of. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** A JSON value with names. */
export type JsonObject = { readonly [key: string]: Json };

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An XState event as it crosses the wire. */
export type EventJson = { readonly type: string } & { readonly [key: string]: Json };

/** What functions, dates, maps, sets, bytes and promises have, and plain objects do not. */
interface Unlike {
  readonly [Symbol.toStringTag]?: never;
  readonly toJSON?: never;
  readonly bind?: never;
}

/**
 * What an agent gives back. `Json` itself would refuse an `interface`, which has no index signature; what lies deeper in an
 * object is checked when it is given back.
 */
export type Answer =
  | string
  | number
  | boolean
  | null
  | undefined
  | void
  | readonly unknown[]
  | (object & Unlike);

/** A copy that shares no object with the value: the receiver may change it. What is no JSON is handed on as it is. */
export function copyJson<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyJson) as T;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copyJson(item)])) as T;
}

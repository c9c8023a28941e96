// Makes JSON of anything, for values that must never be refused: the data of an error, a line of a log. What has no JSON is
// described; what is too deep or too much is cut.
import type { Json } from './json.ts';
import { isJson } from './loss.ts';

const MAX_DEPTH = 12;
/** Values in all: an error of an HTTP client may hang on to its sockets. */
const MAX_VALUES = 2_000;

export function toPlain(value: unknown): Json {
  if (isJson(value)) return value;
  return new Plainer().plain(value, 0) ?? null;
}

class Plainer {
  readonly #above = new Set<object>();
  #left = MAX_VALUES;

  /** undefined: JSON would leave it out. */
  plain(value: unknown, depth: number): Json | undefined {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value;
      case 'number':
        return Number.isFinite(value) ? value + 0 : String(value);
      case 'bigint':
        return String(value);
      case 'symbol':
        return value.toString();
      case 'function':
        return `[function ${value.name}]`;
      case 'undefined':
        return undefined;
      case 'object':
        return value === null ? null : this.#object(value, depth);
    }
  }

  #object(value: object, depth: number): Json {
    this.#left -= 1;
    if (depth > MAX_DEPTH || this.#left < 0) return '[cut]';
    if (this.#above.has(value)) return '[circular]';
    this.#above.add(value);
    try {
      return this.#inside(value, depth + 1);
    } catch (thrown) {
      // A getter that throws, or a revoked proxy.
      return `[unreadable: ${String(thrown)}]`;
    } finally {
      this.#above.delete(value);
    }
  }

  #inside(value: object, depth: number): Json {
    if (Array.isArray(value)) return this.#list(value, depth);
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === 'function') return this.plain(toJSON.call(value) as unknown, depth) ?? null;
    if (value instanceof Set) return this.#list([...value], depth);
    if (value instanceof Map) {
      const entries = [...value] as [unknown, unknown][];
      return entries.every(([key]) => typeof key === 'string')
        ? this.#record(entries as [string, unknown][], depth)
        : this.#list(entries, depth);
    }
    const own = this.#record(Object.entries(value), depth);
    if (!(value instanceof Error)) return own;
    return { ...own, name: value.name, message: value.message };
  }

  #list(items: readonly unknown[], depth: number): Json[] {
    // Not map(): it leaves the holes.
    return Array.from(items.slice(0, Math.max(0, this.#left)), (item) => this.plain(item, depth) ?? null);
  }

  #record(entries: readonly (readonly [string, unknown])[], depth: number): { [key: string]: Json } {
    const record: { [key: string]: Json } = {};
    for (const [key, item] of entries) {
      if (this.#left < 0) break;
      const plain = this.plain(item, depth);
      if (plain !== undefined) record[key] = plain;
    }
    return record;
  }
}

// Errors and results as data: how a task, a child or an actor ended.
import type { Json, JsonObject } from './json.ts';

/** An error as data: what crosses threads, sessions and processes. `code` is one of docs/errors.md or the user's own. */
export interface ErrorJson {
  readonly code: string;
  readonly message: string;
  readonly name?: string;
  readonly data?: Json;
}

/** How a task, a child or an actor ended. */
export type Outcome =
  | { readonly status: 'done'; readonly output: Json }
  | { readonly status: 'error'; readonly error: ErrorJson };

/** Facts beside what the error carries already. */
export function withData(error: ErrorJson, more: JsonObject): ErrorJson {
  return { ...error, data: { ...recordOf(error.data), ...more } };
}

function recordOf(data: Json | undefined): JsonObject {
  if (data === undefined) return {};
  return typeof data === 'object' && data !== null && !Array.isArray(data) ? (data as JsonObject) : { data };
}

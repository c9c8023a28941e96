// Errors and results as data: how a task, a child or an actor ended.
import type { Json } from './json.ts';

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

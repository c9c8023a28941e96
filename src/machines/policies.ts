import type { GatherPolicy } from '../contract/scatter.ts';

/** Every branch has answered, well or badly. */
export function all(): GatherPolicy {
  return { kind: 'all' };
}

/** `count` branches have answered well. */
export function quorum(count: number): GatherPolicy {
  return { kind: 'quorum', count };
}

/** What has arrived after `ms`; an error when fewer than `atLeast` (default 1) answered well. */
export function deadline(ms: number, options: { readonly atLeast?: number } = {}): GatherPolicy {
  return { kind: 'deadline', ms, ...options };
}

// A source file that is changed as Vite loads it: a guard that is switched off, or a fault that is planted.
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vitest/config';

/** Changed sources make tests wait for what never comes: they need not wait as long as others. */
export const CHANGED_HANG_MS = 30_000;
export const CHANGED_POLL_HANG_MS = 10_000;

export interface Change {
  /** From the root of the repository. */
  readonly file: string;
  readonly edits: readonly { readonly find: string; readonly replace: string }[];
}

export function changedSource({ file, edits }: Change): Plugin {
  const target = fileURLToPath(new URL(`../../${file}`, import.meta.url));
  return {
    name: 'quorate-changed-source',
    enforce: 'pre',
    transform: (code, id) =>
      id === target
        ? edits.reduce((text, { find, replace }) => text.replace(find, () => replace), code)
        : undefined,
    // Vitest's cache of transformed files: this one file under a key of its own.
    configureVitest: ({ defineCacheKeyGenerator }) =>
      defineCacheKeyGenerator(({ id }) => (id === target ? JSON.stringify(edits) : undefined)),
  };
}

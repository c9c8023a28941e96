// Where things lie beside this file, in the source tree and in dist alike.
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

const EXTENSION = extname(import.meta.url);

/** `path` without extension, relative to the tree's root: `examples/repo-review/quorate.config`. */
function localModule(path: string): URL {
  return new URL(`../../../${path}${EXTENSION}`, import.meta.url);
}

export const SAMPLE_CONFIG = fileURLToPath(localModule('examples/repo-review/quorate.config'));

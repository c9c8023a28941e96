import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vitest/config';
import { PLANTED } from './test/integration/testing/planted-faults.ts';
import { MUTATIONS } from './test/unit/invariants/mutations.ts';

// One copy of the package in a test process: `quorate` means the .ts sources, for Vite's own resolver and (by way of
// the process's flags) for Node's in worker threads. Processes that tests start through bin/ run dist.
const SOURCE = 'quorate-source';

/** What is changed in a source file as it is loaded: a guard of the invariants (QUORATE_MUTATION=n) or a planted fault. */
function changes():
  | { readonly file: string; readonly edits: readonly { find: string; replace: string }[] }
  | undefined {
  const guard = MUTATIONS[Number(process.env['QUORATE_MUTATION'] ?? Number.NaN)];
  if (guard !== undefined) return { file: guard.file, edits: [guard] };
  return PLANTED.find(({ name }) => name === process.env['QUORATE_PLANTED']);
}

const changed = changes();

function mutation(): Plugin[] {
  if (changed === undefined) return [];
  const target = fileURLToPath(new URL(changed.file, import.meta.url));
  const edit = (code: string): string =>
    changed.edits.reduce((text, { find, replace }) => text.replace(find, () => replace), code);
  return [
    {
      name: 'quorate-mutation',
      enforce: 'pre',
      transform: (code, id) => (id === target ? edit(code) : undefined),
    },
  ];
}

export default defineConfig({
  plugins: mutation(),
  resolve: { conditions: [SOURCE] },
  ssr: { resolve: { conditions: [SOURCE, 'module', 'node', 'development|production'] } },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: 'forks',
    execArgv: [`--conditions=${SOURCE}`],
    maxWorkers: 2,
    // Vitest's cache of transformed files does not know of the change.
    fsModuleCache: changed === undefined,
    reporters: process.env['CI']
      ? ['default', ['json', { outputFile: 'coverage/test-results.json' }]]
      : ['default'],
  },
});

import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vitest/config';
import { MUTATIONS } from './test/unit/invariants/mutations.ts';

// One copy of the package in a test process: `quorate` means the .ts sources, for Vite's own resolver and (by way of
// the process's flags) for Node's in worker threads. Processes that tests start through bin/ run dist.
const SOURCE = 'quorate-source';

/** QUORATE_MUTATION=n switches the nth guard of the invariants off, as its file is loaded. */
function mutation(): Plugin[] {
  const chosen = MUTATIONS[Number(process.env['QUORATE_MUTATION'] ?? Number.NaN)];
  if (chosen === undefined) return [];
  const target = fileURLToPath(new URL(chosen.file, import.meta.url));
  return [
    {
      name: 'quorate-mutation',
      enforce: 'pre',
      transform: (code, id) => (id === target ? code.replace(chosen.find, () => chosen.replace) : undefined),
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
    // Vitest's cache of transformed files does not know of the mutation.
    fsModuleCache: process.env['QUORATE_MUTATION'] === undefined,
    reporters: process.env['CI']
      ? ['default', ['json', { outputFile: 'coverage/test-results.json' }]]
      : ['default'],
  },
});

import { defineConfig } from 'vitest/config';

// One copy of the package in a test process: `quorate` means the .ts sources, for Vite's own resolver and (by way of
// the process's flags) for Node's in worker threads. Processes that tests start through bin/ run dist.
const SOURCE = 'quorate-source';

export default defineConfig({
  resolve: { conditions: [SOURCE] },
  ssr: { resolve: { conditions: [SOURCE, 'module', 'node', 'development|production'] } },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: 'forks',
    execArgv: [`--conditions=${SOURCE}`],
    maxWorkers: 2,
    reporters: process.env['CI']
      ? ['default', ['json', { outputFile: 'coverage/test-results.json' }]]
      : ['default'],
  },
});

import { fileURLToPath } from 'node:url';
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { PLANTED } from './test/integration/testing/planted-faults.ts';
import { CHANGED_HANG_MS, CHANGED_POLL_HANG_MS, changedSource } from './test/kit/changed-source.ts';

// One copy of the package in a test process: `quorate` means the .ts sources, for Vite's own resolver and (by way of
// the process's flags) for Node's in worker threads. Processes that tests start through bin/ run dist.
const SOURCE = 'quorate-source';

const planted = PLANTED.find(({ name }) => name === process.env['QUORATE_PLANTED']);

// Compiled once for all the processes and worker threads that the tests start: a sixth of their time. Node compares the text.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url));

// Hang limits, not measures: at least five times what a test takes on two quiet cores.
const HANG_MS = planted === undefined ? 150_000 : CHANGED_HANG_MS;
const POLL_HANG_MS = planted === undefined ? 60_000 : CHANGED_POLL_HANG_MS;

/** Each in a process of its own: what they measure or start is the process. */
const OF_THEIR_OWN = ['test/e2e/**/*.test.ts', 'test/integration/runtime/metrics.test.ts'];

/** Many in one process, apart from the unit tests: each has a broker of its own, and the client's modules are loaded once. */
const INTEGRATION = ['test/integration/**/*.test.ts', 'packages/*/test/integration/**/*.test.ts'];

const UNIT = ['test/unit/**/*.test.ts', 'packages/*/test/unit/**/*.test.ts'];

/** The longest waits first, so that no worker is left with one of them at the end. */
class WaitsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((one, other) => rank(one) - rank(other));
  }
}

function rank({ moduleId }: TestSpecification): number {
  if (moduleId.includes('/test/e2e/')) return 0;
  return moduleId.includes('/test/integration/') ? 1 : 2;
}

/** Of every project, those of the mutations too. */
export const BASE = {
  resolve: { conditions: [SOURCE] },
  ssr: { resolve: { conditions: [SOURCE, 'module', 'node', 'development|production'] } },
  test: {
    testTimeout: HANG_MS,
    hookTimeout: HANG_MS,
    expect: { poll: { timeout: POLL_HANG_MS } },
    pool: 'forks',
    execArgv: [`--conditions=${SOURCE}`],
  },
} satisfies ViteUserConfig;

export default defineConfig({
  ...BASE,
  plugins: planted === undefined ? [] : [changedSource(planted)],
  test: {
    ...BASE.test,
    projects: [
      { extends: true, test: { name: 'apart', include: OF_THEIR_OWN } },
      {
        extends: true,
        test: { name: 'integration', include: INTEGRATION, exclude: OF_THEIR_OWN, isolate: false },
      },
      { extends: true, test: { name: 'unit', include: UNIT, isolate: false } },
    ],
    sequence: { sequencer: WaitsFirst },
    // More than two cores have to do: many tests wait for a lock, a process or a disk.
    maxWorkers: 4,
    fsModuleCache: true,
    reporters: process.env['CI']
      ? ['default', ['json', { outputFile: 'coverage/test-results.json' }]]
      : ['default'],
  },
});

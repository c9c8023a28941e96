// Each guard switched off in a project of its own, in which its invariant's test runs; `mutations.test.ts` reads what is printed.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import type { Reporter, TestModule } from 'vitest/node';
import { BASE } from '../../../vitest.config.ts';
import { CHANGED_HANG_MS, CHANGED_POLL_HANG_MS, changedSource } from '../../kit/changed-source.ts';
import { DRAWN, MUTATIONS, type MutationResult, RESULT } from './mutations.ts';

function resultOf(module: TestModule): MutationResult {
  return {
    mutation: Number(module.project.name),
    failed: [...module.children.allTests('failed')].length,
    // Of the file itself, which does not load: that shows nothing.
    errors: module.errors().map(({ message }) => message),
  };
}

const drawn = process.env[DRAWN]?.split(',').map(Number) ?? [...MUTATIONS.keys()];

const reporter: Reporter = {
  onTestModuleEnd: (module) => console.log(`${RESULT}${JSON.stringify(resultOf(module))}`),
};

export default defineConfig({
  ...BASE,
  root: fileURLToPath(new URL('../../../', import.meta.url)),
  test: {
    ...BASE.test,
    testTimeout: CHANGED_HANG_MS,
    hookTimeout: CHANGED_HANG_MS,
    expect: { poll: { timeout: CHANGED_POLL_HANG_MS } },
    projects: [...MUTATIONS.entries()]
      .filter(([at]) => drawn.includes(at))
      .map(([at, mutation]) => ({
        extends: true,
        plugins: [changedSource({ file: mutation.file, edits: [mutation] })],
        test: { name: String(at), include: [`test/unit/invariants/${mutation.invariant}.test.ts`] },
      })),
    maxWorkers: 2,
    fsModuleCache: true,
    reporters: [reporter],
  },
});

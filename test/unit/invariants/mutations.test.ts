// Switches each guard off and sees the test of its invariant fail: tests that cannot fail show nothing.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { MUTATIONS } from './mutations.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const VITEST = fileURLToPath(new URL('../../../node_modules/vitest/vitest.mjs', import.meta.url));
const LIMIT_MS = 300_000;

/** Whether the invariant's tests passed with this guard off (vitest.config.ts changes the source as it is loaded). */
async function passes(invariant: string, mutation: number | undefined): Promise<boolean> {
  const env = { ...process.env, ...(mutation === undefined ? {} : { QUORATE_MUTATION: String(mutation) }) };
  try {
    await run(process.execPath, [VITEST, 'run', `test/unit/invariants/${invariant}.test.ts`], {
      cwd: ROOT,
      env: { ...env, VITEST: '', CI: '' },
      timeout: LIMIT_MS,
    });
    return true;
  } catch (failure) {
    const { code, stdout = '' } = failure as { code?: unknown; stdout?: string };
    // Only a test that ran and failed counts: not a crash of the runner, nor a file that does not load.
    if (code === 1 && /Tests .*failed/.test(stdout)) return false;
    throw failure;
  }
}

describe.concurrent('with its guard off an invariant is seen to be broken', () => {
  it.each(MUTATIONS.map((mutation, at) => ({ ...mutation, at })))(
    '$invariant: $guard',
    async ({ invariant, file, find, at }) => {
      const source = await readFile(new URL(`../../../${file}`, import.meta.url), 'utf8');
      expect(source.split(find).length - 1, `the guard stands once in ${file}`).toBe(1);
      expect(await passes(invariant, at)).toBe(false);
    },
    LIMIT_MS,
  );
});

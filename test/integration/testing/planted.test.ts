// Plants a fault in the source and sees the explorer find it: one that finds nothing shows nothing. One is drawn each time; with
// QUORATE_EXPLORE=all it is each of them.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../kit/random.ts';
import { PLANTED } from './planted-faults.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const VITEST = fileURLToPath(new URL('../../../node_modules/vitest/vitest.mjs', import.meta.url));
const LIMIT_MS = 240_000;

const random = createRandom();
console.log(`planted.test: QUORATE_TEST_SEED=${random.seed}`);
const planted = process.env['QUORATE_EXPLORE'] === 'all' ? PLANTED : [random.pick(PLANTED)];

/** What the exploration of an order says with this fault in the source (vitest.config.ts changes it as it is loaded). */
async function explore(fault: string): Promise<string> {
  const args = [VITEST, 'run', 'test/integration/testing/explore.test.ts', '-t', 'an order'];
  try {
    await run(process.execPath, args, {
      cwd: ROOT,
      env: { ...process.env, QUORATE_PLANTED: fault, VITEST: '', CI: '', NO_COLOR: '1' },
      timeout: LIMIT_MS,
    });
    return 'nothing was found';
  } catch (failure) {
    const { stdout = '', stderr = '' } = failure as { stdout?: string; stderr?: string };
    return `${stdout}\n${stderr}`;
  }
}

describe('the explorer finds', () => {
  it.each(planted)('$name', { timeout: LIMIT_MS }, async ({ name, file, edits }) => {
    const source = await readFile(new URL(`../../../${file}`, import.meta.url), 'utf8');
    for (const { find } of edits)
      expect(source.split(find).length - 1, `the place stands once in ${file}`).toBe(1);
    // Crashes come first, and show each of them.
    expect(await explore(name)).toMatch(/crash at .* (changes the outcome|was not over in time)/);
  });
});

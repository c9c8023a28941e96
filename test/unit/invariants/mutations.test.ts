// Switches guards off, half of them each time, and sees the tests of their invariants fail: tests that cannot fail show nothing.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, it } from 'vitest';
import { createRandom } from '../../kit/random.ts';
import { DRAWN, MUTATIONS, type MutationResult, RESULT } from './mutations.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const VITEST = fileURLToPath(new URL('../../../node_modules/vitest/vitest.mjs', import.meta.url));
const CONFIG = fileURLToPath(new URL('mutations.config.ts', import.meta.url));
const LIMIT_MS = 300_000;

/** Every second guard, drawn anew each time; all with QUORATE_MUTATIONS=all. */
const drawn = new Set(process.env['QUORATE_MUTATIONS'] === 'all' ? MUTATIONS.keys() : half());

function half(): number[] {
  const random = createRandom();
  console.log(`mutations: QUORATE_TEST_SEED=${random.seed}`);
  const first = random.below(2);
  return [...MUTATIONS.keys()].filter((at) => at % 2 === first);
}

let results: readonly MutationResult[];
let output: string;
beforeAll(async () => {
  const env = { ...process.env, VITEST: '', CI: '', [DRAWN]: [...drawn].join() };
  output = await new Promise((resolve) => {
    // It ends with 1, as it has to: what counts is what it printed.
    execFile(
      process.execPath,
      [VITEST, 'run', '--config', CONFIG],
      { cwd: ROOT, env, timeout: LIMIT_MS },
      (_, stdout, stderr) => resolve(`${stdout}\n${stderr}`),
    );
  });
  results = output
    .split('\n')
    .filter((line) => line.startsWith(RESULT))
    .map((line) => JSON.parse(line.slice(RESULT.length)) as MutationResult);
}, LIMIT_MS);

it.each(MUTATIONS.map((mutation, at) => ({ ...mutation, at })))(
  '$invariant is seen to be broken without its guard: $guard',
  async ({ file, find, at }) => {
    const source = await readFile(new URL(`../../../${file}`, import.meta.url), 'utf8');
    expect(source.split(find).length - 1, `the guard stands once in ${file}`).toBe(1);
    if (!drawn.has(at)) return;
    const result = results.find(({ mutation }) => mutation === at);
    expect(result, output).toMatchObject({ errors: [] });
    expect(result?.failed).toBeGreaterThan(0);
  },
);

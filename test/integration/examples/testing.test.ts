// The example of quorate/testing as its users run it: under Node's own test runner. One of its tests a run, drawn anew each
// time; with QUORATE_EXPLORE=all each of them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { createRandom } from '../../kit/random.ts';

const EXAMPLE = fileURLToPath(new URL('../../../examples/testing/order.test.ts', import.meta.url));
const LIMIT_MS = 400_000;
const TESTS = ['is charged once', 'lapses after three days'];
const random = createRandom();
const named = process.env['QUORATE_EXPLORE'] === 'all' ? [] : [random.pick(TESTS)];
console.log(`example of quorate/testing: QUORATE_TEST_SEED=${random.seed}`);

it('explores the crashes of an order, and skips the days before it lapses', {
  timeout: LIMIT_MS,
}, async () => {
  // Vitest's own variables would make the runner think that it is a child of another.
  const { PATH, HOME, TMPDIR, NODE_COMPILE_CACHE } = process.env;
  const patterns = named.map((name) => `--test-name-pattern=${name}`);
  const child = spawn(process.execPath, ['--conditions=quorate-source', '--test', ...patterns, EXAMPLE], {
    env: { PATH, HOME, TMPDIR, NODE_COMPILE_CACHE },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: LIMIT_MS,
  });
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  expect(said.match(/explored \d+ places in \d+ runs, .* every one ended the same/g)).toHaveLength(
    named.length || TESTS.length,
  );
  expect(code, said).toBe(0);
});

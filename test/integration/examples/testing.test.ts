// The example of quorate/testing as its users run it: under Node's own test runner.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const EXAMPLE = fileURLToPath(new URL('../../../examples/testing/order.test.ts', import.meta.url));
const LIMIT_MS = 400_000;

it('explores the crashes of an order, and skips the days before it lapses', {
  timeout: LIMIT_MS,
}, async () => {
  // Vitest's own variables would make the runner think that it is a child of another.
  const { PATH, HOME, TMPDIR, NODE_COMPILE_CACHE } = process.env;
  const child = spawn(process.execPath, ['--conditions=quorate-source', '--test', EXAMPLE], {
    env: { PATH, HOME, TMPDIR, NODE_COMPILE_CACHE },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: LIMIT_MS,
  });
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  expect(said).toMatch(/explored \d+ places in \d+ runs, .* every one ended the same/);
  expect(code, said).toBe(0);
});

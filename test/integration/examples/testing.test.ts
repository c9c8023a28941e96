// The examples of quorate/testing as its users run them: under Node's own test runner. One of their tests a run, drawn anew each
// time; with QUORATE_EXPLORE=all each of them. The guide shows what is run.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { createRandom } from '../../kit/random.ts';

const pathOf = (file: string): string => fileURLToPath(new URL(`../../../${file}`, import.meta.url));
const EXAMPLES = ['order.test.ts', 'control.test.ts'].map((file) => pathOf(`examples/testing/${file}`));
const LIMIT_MS = 400_000;
const TESTS = ['is charged once', 'lapses after three days', 'charged at its pace'];
const random = createRandom();
const named = process.env['QUORATE_EXPLORE'] === 'all' ? [] : [random.pick(TESTS)];
console.log(`example of quorate/testing: QUORATE_TEST_SEED=${random.seed}`);

it('explores the crashes of an order, skips the days before it lapses, and holds it back', {
  timeout: LIMIT_MS,
}, async () => {
  // Vitest's own variables would make the runner think that it is a child of another.
  const { PATH, HOME, TMPDIR, NODE_COMPILE_CACHE } = process.env;
  const patterns = named.map((name) => `--test-name-pattern=${name}`);
  const child = spawn(process.execPath, ['--conditions=quorate-source', '--test', ...patterns, ...EXAMPLES], {
    env: { PATH, HOME, TMPDIR, NODE_COMPILE_CACHE },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: LIMIT_MS,
  });
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  expect(said.match(/explored \d+ places in \d+ (?:of \d+ )?runs.* every one ended the same/g)).toHaveLength(
    named.length || TESTS.length,
  );
  expect(code, said).toBe(0);
});

it('the guide shows control in a test as it is run', () => {
  const guide = readFileSync(pathOf('docs/testing.md'), 'utf8');
  const example = readFileSync(pathOf('examples/testing/control.test.ts'), 'utf8');
  const [, shown = ''] = /## Limits, pauses and refusals\n[^]*?```ts\n([^]*?)```/.exec(guide) ?? [];
  const lines = shown.split('\n').filter((line) => line.trim() !== '');
  expect(lines.length).toBeGreaterThan(15);
  const known = new Set(example.split('\n').map((line) => line.trim()));
  expect(lines.filter((line) => !known.has(line.trim()))).toEqual([]);
});

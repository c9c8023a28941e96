// In tests `quorate` is the sources, in every thread; for everybody else it is dist.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { QuorateError as imported } from 'quorate';
import { expect, it } from 'vitest';
import { QuorateError } from '../../../src/contract/errors.ts';

const ROOT = new URL('../../../', import.meta.url);

it('a test and what it imports share one copy', () => {
  expect(imported).toBe(QuorateError);
});

it('a worker thread of a test loads the sources', async () => {
  const code = `require('node:worker_threads').parentPort.postMessage(require.resolve('quorate'))`;
  const [resolved] = (await once(new Worker(code, { eval: true }), 'message')) as [string];
  expect(resolved).toBe(fileURLToPath(new URL('src/index.ts', ROOT)));
});

it('a process of its own loads dist', () => {
  const said = execFileSync(
    process.execPath,
    ['--input-type=module', '--eval', `console.log(import.meta.resolve('quorate'))`],
    {
      cwd: fileURLToPath(ROOT),
      encoding: 'utf8',
    },
  );
  expect(said.trim()).toBe(new URL('dist/src/index.js', ROOT).href);
});

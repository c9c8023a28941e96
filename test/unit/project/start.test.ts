// What each process and thread of a host loads before it has anything to do is paid at every start.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';

const ENTRIES = [
  'runtime/runtime',
  'observability/health',
  'inspector/server',
  '../packages/broker/src/index',
  'actors/worker/entry',
];

it.each(ENTRIES)('src/%s.ts does without undici until it is used', async (entry) => {
  const url = new URL(`../../../src/${entry}.ts`, import.meta.url).href;
  const code = `import('${url}').then(() =>
    require('node:worker_threads').parentPort.postMessage(process.moduleLoadList))`;
  const worker = new Worker(code, { eval: true });
  const [loaded] = (await once(worker, 'message')) as [string[]];
  await worker.terminate();
  expect(loaded).toContain('NativeModule net');
  expect(loaded.filter((name) => name.includes('undici'))).toEqual([]);
});

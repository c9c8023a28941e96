// What each process and thread of a host loads before it has anything to do is paid at every start.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';

const ENTRIES = [
  'runtime/runtime',
  'observability/health',
  'inspector/server',
  '../packages/broker/src/broker',
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

it('a worker thread that imports quorate, as the modules of machines do, loads no SDK, schema library or pool', async () => {
  const loaded = await loadedBy('quorate');
  expect(loaded.some((url) => url.endsWith('/src/index.ts'))).toBe(true);
  expect(loaded.some((url) => url.includes('/node_modules/xstate/'))).toBe(true);
  expect(
    loaded.filter((url) => /\/node_modules\/(@azure|zod|piscina|pino|rhea|@opentelemetry\/sdk)/.test(url)),
  ).toEqual([]);
});

it('the main thread of an application does not load the engine of its broker, which runs in another', async () => {
  const engine = (url: string) => /\/broker\/src\/(amqp|core|store|sql)\/|\/node_modules\//.test(url);
  const loaded = await loadedBy('quorate-broker');
  expect(loaded.some((url) => url.endsWith('/src/thread/start.ts'))).toBe(true);
  // The counter of its heartbeat is shared by both threads.
  expect(loaded.filter(engine).filter((url) => !url.endsWith('/core/pulse.ts'))).toEqual([]);
  const used = '.createBroker({ data: { memory: true }, port: 0 }).then((broker) => broker.stop())';
  expect((await loadedBy('quorate-broker', used)).some(engine)).toBe(true);
});

it('quorate/mcp loads the SDK of MCP with its first call', async () => {
  const sdk = (url: string) => url.includes('/node_modules/@modelcontextprotocol/');
  expect((await loadedBy('quorate/mcp')).filter(sdk)).toEqual([]);
  const used = ".callTool({ command: 'no-such-program' }, { tool: 'any' }).catch(() => {})";
  expect((await loadedBy('quorate/mcp', used)).some(sdk)).toBe(true);
});

/** What a thread loads that imports a package and then does something with it. */
async function loadedBy(name: string, use = ''): Promise<string[]> {
  const code = `
    const loaded = [];
    require('node:module').registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    import('${name}').then(async (it) => {
      await it${use};
      require('node:worker_threads').parentPort.postMessage(loaded);
    });`;
  const [loaded] = (await once(new Worker(code, { eval: true }), 'message')) as [string[]];
  return loaded;
}

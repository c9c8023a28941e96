// The packages as npm packs them, beside nothing but what they depend on: no source tree, no development dependency.
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  cp,
  glob,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { publicTypesOf } from '../../scripts/public-types.ts';
import { ROOT } from './cli-process.ts';

const run = promisify(execFile);
const COMMAND = 'node_modules/quorate/bin/quorate.js';
const COUNTER = `
import { assign, setup } from 'xstate';
export const counter = setup({}).createMachine({
  context: { count: 0 },
  on: { add: { actions: assign({ count: ({ context }) => context.count + 1 }) } },
});
`;
const PROGRAM = `
import { connect, createRuntime } from 'quorate';
import { createBroker } from 'quorate/broker';
const broker = await createBroker({ data: { memory: true }, port: 0 });
await broker.stop();
const counter = { module: new URL('./counter.js', import.meta.url), export: 'counter', version: '1' };
const runtime = await createRuntime({ machines: { counter }, port: 0, data: 'data' });
const client = await connect({ data: 'data' });
await client.start('counter', { id: 'c' });
await client.send('counter', 'c', { type: 'add' });
let count;
while (count !== 1) count = (await client.query('counter', 'c')).context.count;
console.log('count', count);
await client.close();
await runtime.stop();
`;
const EXPLORATION = `
import assert from 'node:assert';
import { test } from 'node:test';
import { exploreCrashes } from 'quorate/testing';
const counter = { module: new URL('./counter.js', import.meta.url), export: 'counter', version: '1' };
test('a counter survives crashes', async () => {
  const { faults } = await exploreCrashes({
    config: { machines: { counter } },
    run: async ({ client, advance }) => {
      await client.start('counter', { id: 'c' });
      await client.send('counter', 'c', { type: 'add' }, { key: 'one' });
      await advance('3 days');
    },
    outcome: async ({ client }) => (await client.query('counter', 'c')).context,
  }, { faults: ['crash'] });
  assert.ok(faults.crash.tried > 0);
});
`;

/** The packages whose types a user of an entry needs; zod, the Azure SDK and rhea are nobody's concern. */
const TYPES_FROM = {
  quorate: ['xstate'],
  'quorate/testing': ['xstate'],
  'quorate/mcp': ['xstate'],
  'quorate/ai': ['ai', 'xstate'],
  'quorate/broker': ['quorate-broker'],
  'quorate/otel': [],
  'quorate/id-generator': [],
  'quorate-broker': [],
  'quorate-broker/cli': ['commander'],
  'quorate-otel': ['@opentelemetry/sdk-trace'],
  'quorate-otel/auto': [],
  'quorate-otel/id-generator': ['@opentelemetry/sdk-trace'],
  'quorate-otel/lint': [],
};

/** What npm packs, by the names of the packages. */
const FOLDERS = { quorate: '.', 'quorate-broker': 'packages/broker', 'quorate-otel': 'otel' };
type Packed = keyof typeof FOLDERS;

let folder: string;
let app: string;
let tarballs: Readonly<Record<Packed, string>>;
let packed: Readonly<Record<Packed, readonly { readonly path: string }[]>>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorate-package-'));
  const results = await pack();
  const each = <T>(value: (result: PackResult) => T) =>
    Object.fromEntries(results.map((result) => [result.name, value(result)])) as Record<Packed, T>;
  tarballs = each(({ filename }) => join(folder, filename));
  packed = each(({ files }) => files);
  app = join(folder, 'app');
  for (const name of Object.keys(FOLDERS) as Packed[]) await unpack(name);
  await writeFile(join(app, 'package.json'), '{ "type": "module" }');
  await writeFile(join(app, 'counter.js'), COUNTER);
  await writeFile(join(app, 'main.js'), PROGRAM);
  await writeFile(join(app, 'quorate.config.js'), 'export default { machines: {} };');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface PackResult {
  readonly name: Packed;
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

async function pack(): Promise<PackResult[]> {
  const npm = process.env['npm_execpath'];
  const [command, first] = npm === undefined ? ['npm', []] : [process.execPath, [npm]];
  const specs = Object.values(FOLDERS).map((path) => `./${path}`);
  const args = [...first, 'pack', ...specs, '--json', '--ignore-scripts', '--pack-destination', folder];
  const { stdout } = await run(command, args, { cwd: ROOT, maxBuffer: 1e8 });
  return JSON.parse(stdout) as PackResult[];
}

const installed = (name: string): string => join(app, 'node_modules', name);
const removed = (name: string): string => join(app, 'removed', name);

/** The package with exactly what it depends on below it, and with the peers that it needs beside it. */
async function unpack(name: Packed): Promise<void> {
  const path = installed(name);
  await mkdir(path, { recursive: true });
  await run('tar', ['-xzf', tarballs[name], '-C', path, '--strip-components=1']);
  const { dependencies, peerDependencies, peerDependenciesMeta } = JSON.parse(
    await readFile(join(path, 'package.json'), 'utf8'),
  ) as Manifest;
  for (const inner of Object.keys(dependencies ?? {})) await link(inner, join(path, 'node_modules'));
  for (const peer of Object.keys(peerDependencies ?? {}))
    if (peerDependenciesMeta?.[peer]?.optional !== true) await link(peer, join(app, 'node_modules'));
}

async function link(name: string, modules: string): Promise<void> {
  await mkdir(dirname(join(modules, name)), { recursive: true });
  await rm(join(modules, name), { force: true });
  await symlink(join(ROOT, 'node_modules', name), join(modules, name));
}

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly types: string }>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

/** A new application with `quorate`, these of its optional peers and no other. */
async function have(...wanted: readonly Packed[]): Promise<void> {
  await rm(join(app, 'data'), { recursive: true, force: true });
  await mkdir(join(app, 'removed'), { recursive: true });
  for (const name of ['quorate-broker', 'quorate-otel'] as const) {
    const [from, to] = wanted.includes(name)
      ? [removed(name), installed(name)]
      : [installed(name), removed(name)];
    if (existsSync(from)) await rename(from, to);
  }
}

it('the package runs and its command starts where only its dependencies are installed', async () => {
  await have('quorate-broker');
  // Nothing of the sample runs.
  expect(await readdir(join(app, 'node_modules/quorate/dist'))).toEqual(['console', 'src']);
  const options = { cwd: app, timeout: 150_000 };
  const { stdout } = await run(process.execPath, ['main.js'], options);
  expect(stdout).toBe('count 1\n');
  await writeFile(join(app, 'counter.test.js'), EXPLORATION);
  const explored = await run(process.execPath, ['--test', 'counter.test.js'], options);
  expect(explored.stdout).toMatch(/explored \d+ places/);
  const { stdout: version } = await run(process.execPath, [COMMAND, '--version'], options);
  expect(version).toMatch(/^\d+\.\d+\.\d+\n$/);
});

it('says what to install where an optional package is not, and needs none for anything else', async () => {
  await have();
  const line = 'PACKAGE_MISSING: the embedded broker is not installed: npm install quorate-broker';
  const options = { cwd: app, timeout: 60_000 };
  await writeFile(
    join(app, 'lean.js'),
    `import { createRuntime, connect } from 'quorate';
    // Insides, as the command line uses them.
    import { createChartRenderer } from './node_modules/quorate/dist/src/inspector/chart/renderer.js';
    import { createLogger } from './node_modules/quorate/dist/src/observability/log.js';
    const machines = {};
    const connectionString = 'Endpoint=sb://localhost:1;SharedAccessKeyName=a;SharedAccessKey=b;UseDevelopmentEmulator=true';
    const attempts = [
      () => import('quorate/broker'),
      () => import('quorate/testing').then(({ exploreCrashes }) =>
        exploreCrashes({ config: { machines }, run: () => {} }, { print: () => {} })),
      () => createRuntime({ machines }, { env: {} }),
      () => connect({ data: 'data', env: {} }),
      () => createRuntime({ machines, connectionString, payloadContainer: 'https://a.invalid/payloads' }),
      () => import('quorate/mcp').then(({ callTool }) => callTool({ command: 'any' }, { tool: 'any' })),
    ];
    for (const attempt of attempts) await attempt().catch(({ code, message }) => console.log(code + ': ' + message));
    const production = createRuntime({ machines, connectionString });
    await production.catch(({ code }) => console.log(code));
    const logger = await createLogger({ level: 'info', pretty: true, stream: { write: (line) => console.log(JSON.parse(line).msg) } });
    logger.info('one');
    logger.info('two');
    const charts = createChartRenderer();
    const chart = await charts.render({ initial: 'a', states: { a: { on: { GO: 'b' } }, b: {} } });
    console.log(['>GO → b<', 'npm install elkjs'].map((text) => chart.includes(text)));
    await charts.close();`,
  );
  // Traces are asked for as well.
  const { stdout, stderr } = await run(process.execPath, ['--import', 'quorate/otel', 'lean.js'], options);
  expect(stdout.trim().split('\n')).toEqual([
    line,
    line,
    line,
    line,
    'PACKAGE_MISSING: the client of Blob storage is not installed: npm install @azure/storage-blob',
    'PACKAGE_MISSING: the client of MCP is not installed: npm install @modelcontextprotocol/client',
    'CONNECTION_FAILED',
    'the pretty form of logs is not installed: npm install pino-pretty',
    'one',
    'two',
    '[ true, true ]',
  ]);
  expect(stderr).toBe(
    'quorate: no traces, the OpenTelemetry SDK is not installed: npm install quorate-otel\n',
  );
  for (const args of [['broker'], ['start', '--config', 'quorate.config.js']]) {
    const failed = run(process.execPath, [COMMAND, ...args], options);
    await expect(failed).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`error ${line}\n`),
    });
  }
});

it.each(Object.keys(FOLDERS) as Packed[])(
  'packs of %s what runs and what its README links to',
  async (name) => {
    await have('quorate-broker', 'quorate-otel');
    const files = packed[name].map((file) => file.path);
    const pages = ['README.md', ...files.filter((file) => /^docs\/[^/]*\.md$/.test(file))];
    const linked = (
      await Promise.all(
        pages.map(async (page) => {
          const text = await readFile(join(installed(name), page), 'utf8');
          const links = [...text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, to = '']) => to);
          return links.filter((to) => !to.includes(':')).map((to) => join(dirname(page), to));
        }),
      )
    ).flat();
    // Another package's page is found in the repository.
    const own = linked.filter((to) => !to.startsWith('..'));
    const isAt = (file: string, to: string): boolean => file === to || file.startsWith(`${to}/`);
    expect(own.filter((to) => !files.some((file) => isAt(file, to)))).toEqual([]);
    const unlinked = files.filter((file) => !own.some((to) => isAt(file, to)));
    const runs = /^(bin\/|dist\/.*\.(js|d\.ts)$|dist\/console\/|package\.json$|LICENSE$|README\.md$)/;
    expect(unlinked.filter((file) => !runs.test(file))).toEqual([]);
  },
);

it('shows types of no package but those that an application has', async () => {
  await have('quorate-broker', 'quorate-otel');
  const shown = await Promise.all(
    (Object.keys(FOLDERS) as Packed[]).map(async (name) => {
      const { exports } = JSON.parse(
        await readFile(join(installed(name), 'package.json'), 'utf8'),
      ) as Manifest;
      return Object.entries(exports).flatMap(([path, target]) =>
        typeof target === 'string'
          ? []
          : [[join(name, path), [...publicTypesOf(join(installed(name), target.types)).packages]]],
      );
    }),
  );
  expect(Object.fromEntries(shown.flat())).toEqual(TYPES_FROM);
});

it('compiles against the types without the broker, and checks them too', async () => {
  await have();
  await link('@types/node', join(app, 'node_modules'));
  await writeFile(
    join(app, 'typed.ts'),
    `import { connect, createRuntime, defineConfig, resolveConfig, type LocalRuntime } from 'quorate';
    import { exploreCrashes } from 'quorate/testing';
    import 'quorate/otel';
    const config = defineConfig({ machines: {} });
    export const runtime: Promise<LocalRuntime<typeof config>> = createRuntime(config);
    export const sessions: Promise<number> = resolveConfig(config).then(({ sessions }) => sessions);
    // @ts-expect-error -- the types are there: any would take it
    export const wrong = createRuntime({ machines: {}, sessions: 'many' });
    export const used = [connect, exploreCrashes];`,
  );
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--types', 'node'];
  // Not with exactOptionalPropertyTypes: XState's own declarations are wrong then.
  const libraries = ['--skipLibCheck', 'false'];
  const { stdout } = await run(process.execPath, [tsc, ...options, ...libraries, 'typed.ts'], {
    cwd: app,
  }).catch((failure: { readonly stdout: string }) => failure);
  expect(stdout).toBe('');
});

it('has traces with quorate-otel, in a file and for a program that it is imported before', async () => {
  await have('quorate-broker', 'quorate-otel');
  await writeFile(
    join(app, 'traced.js'),
    `import { startTelemetry } from 'quorate-otel';
    import { lintTrace, readTraceFile } from 'quorate-otel/lint';
    const telemetry = await startTelemetry({ traceFile: 'trace.jsonl' });
    await import('./main.js');
    await telemetry.shutdown();
    const spans = await readTraceFile('trace.jsonl');
    console.log(spans.some(({ name }) => name === 'start counter'), lintTrace(spans).length);`,
  );
  const options = { cwd: app, timeout: 150_000 };
  // The actor lives on, so its span, which is the parent of others, is still to come.
  const { stdout, stderr } = await run(process.execPath, ['traced.js'], options);
  expect({ stdout, stderr }).toEqual({ stdout: expect.stringMatching(/^count 1\ntrue \d+\n$/), stderr: '' });
  const asked = `console.log(globalThis[Symbol.for('quorate.telemetry')] !== undefined)`;
  const imported = await run(
    process.execPath,
    ['--import', 'quorate/otel', '--input-type=module', '--eval', asked],
    options,
  );
  expect(imported).toEqual({ stdout: 'true\n', stderr: '' });
});

/** A host whose environment asks for traces, until it is ready. */
async function serve(
  args: readonly string[],
  cwd: string,
): Promise<{ code: unknown; out: string; err: string }> {
  const env = {
    ...process.env,
    QUORATE_LOG: 'warn',
    QUORATE_PORT: '0',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
  };
  const host = spawn(process.execPath, args, { cwd, env, timeout: 60_000 });
  const said = { out: '', err: '' };
  host.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  host.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.out += text;
    // A second signal would end it at once.
    if (/^machines/m.test(said.out) && !host.killed) host.kill('SIGTERM');
  });
  const code = await new Promise((resolve) => host.on('close', resolve));
  return { code, ...said };
}

it('says what to install where quorate-otel is not: an error for a trace file, a warning for a variable', async () => {
  await have('quorate-broker');
  const line = 'the OpenTelemetry SDK is not installed: npm install quorate-otel';
  const command = [COMMAND, 'start', '--config', 'quorate.config.js'];
  const options = { cwd: app, timeout: 60_000 };
  const failed = run(process.execPath, [...command, '--trace-file', 'trace.jsonl'], options);
  await expect(failed).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`error PACKAGE_MISSING: ${line}\n`),
  });

  const served = await serve(command, app);
  expect(served).toMatchObject({ code: 0, out: expect.stringMatching(/^machines/m) });
  expect(served.err.split(line)).toHaveLength(2);

  // An SDK that the application brings takes the spans: there is nothing to say.
  await writeFile(
    join(app, 'sdk.js'),
    `import { INVALID_SPAN_CONTEXT, trace } from '@opentelemetry/api';
    const tracer = { startSpan: () => trace.wrapSpanContext(INVALID_SPAN_CONTEXT) };
    trace.setGlobalTracerProvider({ getTracer: () => tracer });`,
  );
  const quiet = await serve(['--import', './sdk.js', ...command], app);
  expect(quiet).toMatchObject({ code: 0, out: expect.stringMatching(/^machines/m), err: '' });
});

it("has its spans recorded by an application's own SDK, whose API may be older than the one that is tested with", async () => {
  await have('quorate-broker');
  const api = installed('@opentelemetry/api');
  await rm(api);
  await cp(join(ROOT, 'node_modules/@opentelemetry/api'), api, { recursive: true });
  // The API compares nothing but versions: this is what an application with Azure Monitor has.
  for await (const file of glob(['package.json', 'dist/**/*.?js'], { cwd: api })) {
    const text = await readFile(join(api, file), 'utf8');
    await writeFile(join(api, file), text.replaceAll(/"1\.10\.\d+"/g, '"1.9.1"'));
  }
  await link('@opentelemetry/sdk-trace', join(app, 'node_modules'));
  await writeFile(
    join(app, 'watched.js'),
    `import { trace } from '@opentelemetry/api';
    import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
    const exporter = new InMemorySpanExporter();
    const spanProcessors = [new SimpleSpanProcessor({ exporter })];
    console.log(trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors })));
    await import('./main.js');
    const names = exporter.getFinishedSpans().map(({ name }) => name);
    console.log(names.includes('start counter'), names.includes('process actor.counter'));`,
  );
  const { stdout } = await run(process.execPath, ['watched.js'], { cwd: app, timeout: 150_000 });
  expect(stdout).toBe('true\ncount 1\ntrue true\n');
});

it.each(Object.keys(FOLDERS) as Packed[])(
  'the types of every entry of %s are found by those who import it',
  async (name) => {
    const result = await checkPackage(createPackageFromTarballData(await readFile(tarballs[name])));
    if (result.types === false) throw new Error('there are no types');
    // Modules only: CommonJS requires them as Node 24 does, and resolution without exports is for older tools.
    const modern = result.problems.filter(
      (problem) =>
        !('resolutionKind' in problem) ||
        problem.resolutionKind === 'node16-esm' ||
        problem.resolutionKind === 'bundler',
    );
    expect(modern).toEqual([]);
  },
);

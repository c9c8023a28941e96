// The packages as npm packs them, beside nothing but what they depend on: no source tree, no development dependency.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ROOT } from './cli-process.ts';

const run = promisify(execFile);
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

let folder: string;
let tarball: string;
let brokerTarball: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorate-package-'));
  tarball = await pack(ROOT);
  brokerTarball = await pack(join(ROOT, 'packages', 'broker'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function pack(cwd: string): Promise<string> {
  const npm = process.env['npm_execpath'];
  const [command, first] = npm === undefined ? ['npm', []] : [process.execPath, [npm]];
  const args = [...first, 'pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const { stdout } = await run(command, args, { cwd, maxBuffer: 1e8 });
  const [packed] = JSON.parse(stdout) as { filename: string }[];
  return join(folder, packed?.filename ?? '');
}

/** An application with these packages, as an install would unpack them. */
async function install(name: string, packages: Readonly<Record<string, string>>): Promise<string> {
  const app = join(folder, name);
  const modules = join(app, 'node_modules');
  await linkDependencies(modules);
  for (const [path, packed] of Object.entries(packages)) {
    await mkdir(join(modules, path), { recursive: true });
    await run('tar', ['-xzf', packed, '-C', join(modules, path), '--strip-components=1']);
  }
  await writeFile(join(app, 'package.json'), '{ "type": "module" }');
  return app;
}

/** What a production install would have, linked from this one: the lock file says which those are. */
async function linkDependencies(modules: string): Promise<void> {
  const lock = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; optional?: boolean; link?: boolean }>;
  };
  for (const [path, { dev, optional, link }] of Object.entries(lock.packages)) {
    if (!/^node_modules\/(@[^/]+\/)?[^/]+$/.test(path) || dev || optional || link) continue;
    const target = join(modules, path.slice('node_modules/'.length));
    await mkdir(dirname(target), { recursive: true });
    await symlink(join(ROOT, path), target);
  }
}

it('the package runs and its command starts where only its dependencies are installed', async () => {
  const app = await install('app', { quorate: tarball, 'quorate-broker': brokerTarball });
  await writeFile(join(app, 'counter.js'), COUNTER);
  await writeFile(join(app, 'main.js'), PROGRAM);
  const options = { cwd: app, timeout: 150_000 };
  const { stdout } = await run(process.execPath, ['main.js'], options);
  expect(stdout).toBe('count 1\n');
  await writeFile(join(app, 'counter.test.js'), EXPLORATION);
  const explored = await run(process.execPath, ['--test', 'counter.test.js'], options);
  expect(explored.stdout).toMatch(/explored \d+ places/);
  const { stdout: version } = await run(
    process.execPath,
    [join(app, 'node_modules/quorate/bin/quorate.js'), '--version'],
    options,
  );
  expect(version).toMatch(/^\d+\.\d+\.\d+\n$/);
});

it('says what to install where the broker is not, and needs it for nothing else', async () => {
  const app = await install('lean', { quorate: tarball });
  const line = 'PACKAGE_MISSING: the embedded broker is not installed: npm install quorate-broker';
  const options = { cwd: app, timeout: 60_000 };
  await writeFile(
    join(app, 'main.js'),
    `import { createRuntime, connect } from 'quorate';
    const attempts = [
      () => import('quorate/broker'),
      () => import('quorate/testing').then(({ exploreCrashes }) =>
        exploreCrashes({ config: { machines: {} }, run: () => {} }, { print: () => {} })),
      () => createRuntime({ machines: {} }, { env: {} }),
      () => connect({ data: 'data', env: {} }),
    ];
    for (const attempt of attempts) await attempt().catch(({ code, message }) => console.log(code + ': ' + message));
    const production = createRuntime({ machines: {},
      connectionString: 'Endpoint=sb://localhost:1;SharedAccessKeyName=a;SharedAccessKey=b;UseDevelopmentEmulator=true' });
    await production.catch(({ code }) => console.log(code));`,
  );
  const { stdout } = await run(process.execPath, ['main.js'], options);
  expect(stdout.trim().split('\n')).toEqual([line, line, line, line, 'CONNECTION_FAILED']);
  const command = join(app, 'node_modules/quorate/bin/quorate.js');
  for (const name of ['broker', 'start']) {
    await writeFile(join(app, 'quorate.config.js'), 'export default { machines: {} };');
    const failed = run(process.execPath, [command, name], options);
    await expect(failed).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`error ${line}\n`),
    });
  }
});

it.each([
  ['quorate', () => tarball],
  ['quorate-broker', () => brokerTarball],
])('the types of every entry of %s are found by those who import it', async (_name, packed) => {
  const result = await checkPackage(createPackageFromTarballData(await readFile(packed())));
  if (result.types === false) throw new Error('there are no types');
  // Modules only: CommonJS requires them as Node 24 does, and resolution without exports is for older tools.
  const modern = result.problems.filter(
    (problem) =>
      !('resolutionKind' in problem) ||
      problem.resolutionKind === 'node16-esm' ||
      problem.resolutionKind === 'bundler',
  );
  expect(modern).toEqual([]);
});

// `quorate start`: an application of one's own, what it refuses, and how it ends.

import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBroker } from 'quorate-broker';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connect } from '../../src/client/connect.ts';
import { parsePrometheusText, valueOf } from '../kit/prometheus-text.ts';
import { type CliOptions, ROOT, runCli, startCli } from './cli-process.ts';

const APPS = new URL('../fixtures/apps/', import.meta.url);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorate-start-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const counter = { module: new URL('counter.machine.ts', APPS).href, export: 'counter', version: '1' };
const asker = { module: new URL('asker.machine.ts', APPS).href, export: 'asker', version: '1' };

/** A configuration file in the test's folder; `more` is code that stands below it. */
async function configFile(machines: object, agents = '{}', more = ''): Promise<string> {
  const path = join(folder, 'quorate.config.ts');
  await writeFile(
    path,
    `export default { machines: ${JSON.stringify(machines)}, agents: ${agents} };\n${more}`,
  );
  return path;
}

/** A module for --run: waits until it is told to stop, or fails. */
async function job(): Promise<string> {
  const path = join(folder, 'job.ts');
  const text = `export async function run({ runtime, args, signal, terminal }) {
    const [{ machine }] = runtime.info.machines;
    if (args[0] === '--fail') throw new Error(machine.type + ' has no work');
    terminal.row('job', 'waits');
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  }`;
  await writeFile(path, text);
  return path;
}

const inFolder = (env: Record<string, string> = {}): CliOptions => ({ cwd: folder, env });
const READY = /^machines .*$/m;

describe('a start', () => {
  it('says version, mode, data folder, inspector and how to stop; answers probes; and drains on SIGTERM, with a code that says that --once was cut short', async () => {
    await configFile({ counter });
    const args = ['start', '--port', '0', '--once', '--run', await job()];
    const { child, says, ended } = startCli(args, inFolder({ QUORATE_HEALTH_PORT: '0' }));
    const banner = await says(/^job {8}waits$/m);
    expect(banner).toMatch(
      /^quorate \d+\.\d+\.\d+\nmode +embedded broker\ndata .*\.quorate\ninspector +http:\/\/127\.0\.0\.1:\d+\/\nstop /,
    );
    expect(banner).toMatch(/^machines +counter\njob /m);
    const inspector = /^inspector +(\S+)$/m.exec(banner)?.[1] ?? '';
    expect((await fetch(inspector)).status).toBe(200);
    const health = /^health +(\S+)\/readyz$/m.exec(banner)?.[1] ?? '';
    expect((await fetch(`${health}/healthz`)).status).toBe(200);
    await expect.poll(async () => (await fetch(`${health}/readyz`)).status).toBe(200);
    const metrics = /^metrics +(\S+)$/m.exec(banner)?.[1] ?? '';
    const families = parsePrometheusText(await (await fetch(metrics)).text());
    expect(valueOf(families, 'quorate_build_info', { mode: 'embedded' })).toBe(1);
    child.kill('SIGTERM');
    const { code, stdout, stderr } = await ended;
    expect({ code, stderr }).toEqual({ code: 130, stderr: '' });
    expect(stdout).toMatch(/SIGTERM: draining\nstopped\n$/);
    // oxlint-disable-next-line no-control-regex -- what must not be there
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });

  it('outlives its module of --run, serves a client of another process, and finds the actors again after a stop', async () => {
    await configFile({ counter });
    const options = { data: join(folder, '.quorate'), env: {} };
    const first = startCli(['start', '--port', '0', '--run', await job(), '--fail'], inFolder());
    await first.says(/^serving +until it is stopped; watch it at http:\S+$/m);
    const client = await connect(options);
    await client.start('counter', { id: '1', input: { from: 40 } });
    await client.close();
    first.child.kill('SIGINT');
    expect(await first.ended).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(
        /^error RUN_FAILED: counter has no work\n {2}Look into the module of --run/m,
      ),
    });

    const second = startCli(['start', '--port', '0'], inFolder());
    await second.says(READY);
    const again = await connect(options);
    await again.send('counter', '1', { type: 'add', by: 2 });
    await again.send('counter', '1', { type: 'finish' });
    expect(await again.result('counter', '1')).toMatchObject({ count: 42 });
    await again.close();
  });
});

describe('a stop', () => {
  it('takes two signals at once as one, and ends at once on a later one', async () => {
    await configFile({ asker }, '{ oracle: { run: (_, { signal }) => new Promise(() => {}) } }');
    const { child, says, ended } = startCli(
      ['start', '--port', '0'],
      inFolder({ QUORATE_DRAIN_MS: '600000' }),
    );
    await says(READY);
    const client = await connect({ data: join(folder, '.quorate'), env: {} });
    await client.start('asker', { id: '1', input: { question: 'when?' } });
    await client.close();
    child.kill('SIGINT');
    child.kill('SIGINT');
    await says('SIGINT: draining');
    const settled = await Promise.race([
      ended,
      new Promise((resolve) => setTimeout(resolve, 1_000, 'draining')),
    ]);
    expect(settled).toBe('draining');
    child.kill('SIGTERM');
    expect((await ended).code).toBe(130);
  });

  it('survives what the SDK throws in a timer; drains after a bug of anybody else, and says so', async () => {
    const sdk = join(folder, 'node_modules', 'rhea');
    await mkdir(sdk, { recursive: true });
    await writeFile(join(sdk, 'package.json'), '{ "type": "module" }');
    await writeFile(join(sdk, 'timer.js'), `setTimeout(() => { throw new TypeError('address'); }, 1);`);
    const bug = `
      const { stdout } = process;
      const write = stdout.write;
      stdout.write = (text, ...rest) => {
        if (String(text).startsWith('machines')) {
          import('./node_modules/rhea/timer.js');
          setTimeout(() => Promise.reject(new Error('boom')), 200);
        }
        return write.call(stdout, text, ...rest);
      };`;
    await configFile({ counter }, '{}', bug);
    const { ended } = startCli(['start', '--port', '0'], inFolder());
    const { code, stdout, stderr } = await ended;
    expect(code).toBe(70);
    expect(stderr).toMatch(/^.*TypeError: address.*$/m);
    expect(stderr).toContain('the Azure SDK failed where nobody could catch it; the host keeps running');
    expect(stderr).toMatch(/^error INTERNAL: boom\n {2}This is a bug/m);
    expect(stdout).toMatch(/draining\nstopped\n$/);
  });
});

describe('a start is refused in one line', () => {
  const refusal = async (
    code: string,
    env: Record<string, string> = {},
    args: readonly string[] = ['--port', '0'],
  ) => {
    const { code: status, stderr, stdout } = await runCli(['start', ...args], inFolder(env));
    expect(stderr).toMatch(new RegExp(`^error ${code}: .+\\n {2}.+\\n$`));
    expect({ status, ready: READY.test(stdout) }).toEqual({ status: 1, ready: false });
    return stderr;
  };

  it('when the port is in use', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    await configFile({ counter });
    expect(await refusal('BROKER_PORT_IN_USE', {}, ['--port', String(port)])).toContain(String(port));
    server.close();
  });

  it('when the key is wrong', async () => {
    await configFile({ counter });
    const broker = await startBroker({ data: { memory: true }, port: 0 });
    const wrong = broker.connectionString.replace(/SharedAccessKey=[^;]+/, 'SharedAccessKey=d3Jvbmc=');
    const said = await refusal('UNAUTHORIZED', { QUORATE_CONNECTION_STRING: wrong });
    expect(said).not.toContain('d3Jvbmc=');
    await broker.stop();
  });

  it('when production has no namespace', async () => {
    await configFile({ counter });
    await refusal('PRODUCTION_NEEDS_NAMESPACE', { NODE_ENV: 'production' });
  });

  it('when a machine is not where the configuration says', async () => {
    await configFile({ counter: { ...counter, export: 'missing' } });
    expect(await refusal('MODULE_NOT_LOADED')).toContain('missing');
  });

  it('when a machine asks an agent that nobody has', async () => {
    await configFile({ asker });
    expect(await refusal('AGENT_NOT_FOUND')).toContain('oracle');
  });
});

describe('--watch', () => {
  it('replaces the workers when a machine file changes, and keeps the actors', async () => {
    const file = join(folder, 'counter.machine.ts');
    const text = await readFile(new URL('counter.machine.ts', APPS), 'utf8');
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'junction');
    await writeFile(file, text);
    await configFile({ counter: { module: './counter.machine.ts', export: 'counter', version: '1' } });
    const { child, says, ended } = startCli(['start', '--port', '0', '--watch'], inFolder());
    await says(READY);
    const client = await connect({ data: join(folder, '.quorate'), env: {} });
    await client.start('counter', { id: '1', input: { from: 1 } });
    await client.send('counter', '1', { type: 'add', by: 1 });

    const replaced = new Promise<void>((resolve) => {
      child.stderr?.on('data', (part: string) => part.includes('counter.machine.ts changed') && resolve());
    });
    await writeFile(file, text.replace('context.count + event.by', 'context.count + event.by * 10'));
    await replaced;
    await client.send('counter', '1', { type: 'add', by: 1 });
    await client.send('counter', '1', { type: 'finish' });
    expect(await client.result('counter', '1')).toMatchObject({ count: 12 });
    await client.close();
    child.kill('SIGTERM');
    expect((await ended).code).toBe(0);
  });
});

// What goes wrong before anything runs is one clear line with a code and what to do, and never a stack.
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readVersion } from '../../src/common/version.ts';
import { ROOT, runCli, startCli } from './cli-process.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorate-usage-'));
  await mkdir(join(folder, 'empty'));
  await writeFile(join(folder, 'file'), '');
  await writeFile(join(folder, 'syntax.config.ts'), 'export default {');
  await writeFile(join(folder, 'good.config.ts'), 'export default { machines: {} };');
  await writeFile(
    join(folder, 'fields.config.ts'),
    'export default { machines: {}, port: -1, prefix: "?" };',
  );
});
afterAll(() => rm(folder, { recursive: true }));

const inFolder = (args: readonly string[], env: Record<string, string> = {}) =>
  runCli(args, { cwd: folder, env });

describe('a refusal', () => {
  it.each<[string, readonly string[], number, string]>([
    ['no command', [], 2, 'USAGE'],
    ['an unknown command', ['dance'], 2, 'USAGE'],
    ['an unknown option', ['draw', '--dance'], 2, 'USAGE'],
    ['a bad port', ['start', '--port', 'high'], 2, 'USAGE'],
    ['too many arguments', ['draw', 'a', 'b'], 2, 'USAGE'],
    ['arguments for no module', ['start', 'folder'], 2, 'USAGE'],
    [
      'a module that is not there',
      ['start', '--config', 'good.config.ts', '--run', 'none.ts'],
      1,
      'MODULE_NOT_LOADED',
    ],
    ['a missing configuration', ['start'], 1, 'CONFIG_NOT_FOUND'],
    ['a configuration that does not parse', ['start', '--config', 'syntax.config.ts'], 1, 'CONFIG_INVALID'],
    ['a configuration with wrong fields', ['start', '--config', 'fields.config.ts'], 1, 'CONFIG_INVALID'],
    ['entities of a broker that are not there', ['broker', '--config', 'missing.json'], 2, 'USAGE'],
    ['a folder instead of entities', ['broker', '--config', 'empty'], 2, 'USAGE'],
    ['entities that are no JSON', ['broker', '--config', 'syntax.config.ts'], 1, 'CONFIG_INVALID'],
    ['a reset that nobody can confirm', ['reset', '--data', 'empty'], 2, 'USAGE'],
  ])('of %s says why and what to do', async (_name, args, exit, code) => {
    const { code: status, stderr } = await inFolder(args);
    expect(status).toBe(exit);
    expect(stderr).toMatch(new RegExp(`(^|\\n)error ${code}: .+\\n( {2}.+\\n)+$`));
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(stderr).not.toMatch(/Error: |\bE[A-Z]{4,}: /);
  });

  it('shows the stack with --verbose', async () => {
    const { stderr } = await inFolder(['start', '--verbose']);
    expect(stderr).toMatch(/^error CONFIG_NOT_FOUND: .*\n.*\n(.*\n)* +at /);
  });

  it('names every wrong field, and the variable that set it', async () => {
    const { stderr } = await inFolder(['start', '--config', 'fields.config.ts'], { QUORATE_LOCK_MS: 'soon' });
    for (const name of ['port: ', 'prefix: ', 'QUORATE_LOCK_MS: ']) expect(stderr).toContain(name);
  });
});

describe('reset', () => {
  it('removes data of Quorate, and nothing else', async () => {
    const data = join(folder, 'data');
    await mkdir(join(data, 'results'), { recursive: true });
    const foreign = await inFolder(['reset', '--yes', '--data', '.']);
    expect(foreign).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("holds what is not Quorate's"),
    });
    const own = await inFolder(['reset', '--yes', '--data', 'data']);
    expect(own).toMatchObject({ code: 0, stdout: `removed ${data}\n`, stderr: '' });
    expect(await readdir(folder)).not.toContain('data');
    expect((await inFolder(['reset', '--yes', '--data', 'data'])).code).toBe(0);
  });

  it('refuses while the owner of the data runs', async () => {
    const data = join(folder, 'owned');
    await mkdir(data);
    const owner = { pid: process.pid, port: 1, connectionString: 'Endpoint=sb://127.0.0.1/' };
    await writeFile(join(data, 'broker.json'), JSON.stringify(owner));
    expect(await inFolder(['reset', '--yes', '--data', 'owned'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('error BROKER_DATA_IN_USE: '),
    });
    expect(await readdir(data)).toEqual(['broker.json']);
  });
});

describe('bin/quorate.js', () => {
  it('prints the version, and no warning of Node', async () => {
    expect(await runCli(['--version'])).toEqual({ code: 0, stdout: `${readVersion()}\n`, stderr: '' });
  });

  it('says in one line that Node is too old', async () => {
    const old = `data:text/javascript,Object.defineProperty(process.versions, 'node', { value: '22.14.0' })`;
    const { code, stderr } = await runCli(['--version'], { node: ['--import', old] });
    expect(code).toBe(1);
    expect(stderr).toBe(
      'error NODE_TOO_OLD: Quorate needs Node 24 or newer, this is 22.14.0.\n  Install Node 24 or newer.\n',
    );
  });

  it('ends quietly when its reader has seen enough', async () => {
    const { child, ended } = startCli(['start', '--help'], { cwd: ROOT });
    child.stdout?.destroy();
    expect(await ended).toMatchObject({ code: 0, stderr: '' });
  });
});

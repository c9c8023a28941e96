// A machine changes while its actors live: they stay on their version, move to the next one, or stand still until somebody
// says how they go on. Never is a message lost for it.
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connect } from '../../src/client/connect.ts';
import type { QuorateClient } from '../../src/contract/client.ts';
import { type CliProcess, type Ended, ROOT, runCli, startCli } from './cli-process.ts';

/** Counts what it is told; version 2 has renamed the state and counts double. */
const MACHINE = (state: string, by: number): string => `
import { assign, setup } from 'xstate';
export const tally = setup({}).createMachine({
  context: { count: 0 },
  initial: '${state}',
  states: { '${state}': { on: { add: { actions: assign({ count: ({ context }) => context.count + ${by} }) } } } },
});
export const move = (snapshot, from) => ({ ...snapshot, value: '${state}' });
`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorate-versions-'));
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  await writeFile(join(folder, 'v1.js'), MACHINE('open', 1));
  await writeFile(join(folder, 'v2.js'), MACHINE('counting', 2));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const V1 = `module: './v1.js', export: 'tally'`;
const V2 = `module: './v2.js', export: 'tally'`;

async function start(machine: string): Promise<CliProcess> {
  const config = join(folder, `${randomUUID()}.config.ts`);
  await writeFile(config, `export default { machines: { tally: { ${machine} } } };\n`);
  const app = startCli(['start', '--config', config, '--port', '0'], { cwd: folder });
  await app.says(/^machines .*$/m);
  return app;
}

async function stop(app: CliProcess): Promise<Ended> {
  app.child.kill('SIGTERM');
  return app.ended;
}

const client = (): Promise<QuorateClient> => connect({ data: join(folder, '.quorate'), env: {} });
const actors = (...args: readonly string[]): Promise<Ended> => runCli(['actors', ...args], { cwd: folder });
const count = async (of: QuorateClient, id: string): Promise<unknown> =>
  ((await of.query('tally', id)).context as { count: number }).count;

async function withClient(use: (of: QuorateClient) => Promise<void>): Promise<void> {
  const one = await client();
  try {
    await use(one);
  } finally {
    await one.close();
  }
}

describe('a changed machine', () => {
  it('whose state is gone quarantines its actors; a migrate and a release bring them back with all that waited', async () => {
    const first = await start(`${V1}, version: '1'`);
    await withClient(async (one) => {
      await one.start('tally', { id: 'a' });
      await one.send('tally', 'a', { type: 'add' });
      await expect.poll(() => count(one, 'a')).toBe(1);
    });
    await stop(first);

    const second = await start(`${V2}, version: '2'`);
    await withClient(async (one) => {
      for (let sent = 0; sent < 3; sent++) await one.send('tally', 'a', { type: 'add' });
      await expect.poll(async () => (await one.query('tally', 'a')).quarantine?.held).toBe(3);
    });
    const listed = await actors('ls', 'tally');
    expect(listed.stdout).toMatch(/^id +status +state +turn +version +waiting$/m);
    expect(listed.stdout).toMatch(/^a +quarantined: STATE_INCOMPATIBLE +open +2 +1 +3$/m);
    const refused = await actors('release', 'tally/a');
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error STATE_INCOMPATIBLE: .*'open'.*\n +.*migrate/),
    });
    expect((await stop(second)).stderr).toMatch(/quarantined/);

    const third = await start(`${V2}, version: '2', migrate: 'move'`);
    expect(await actors('release', 'tally/a')).toMatchObject({ code: 0, stdout: 'released\n' });
    await withClient(async (one) => {
      await one.send('tally', 'a', { type: 'add' });
      await expect.poll(() => count(one, 'a')).toBe(1 + 4 * 2);
      expect(await one.query('tally', 'a')).toMatchObject({ value: 'counting', version: '2' });
    });
    expect(await actors('send', 'tally/a', '{"type":"add"}')).toMatchObject({ code: 0, stdout: 'sent\n' });
    await withClient((one) => expect.poll(() => count(one, 'a')).toBe(11));
    expect(await actors('cancel', 'tally/a')).toMatchObject({ code: 0, stdout: 'cancelled\n' });
    expect(await actors('purge', 'tally/a', '--yes')).toMatchObject({ code: 0, stdout: 'purged\n' });
    expect((await actors('ls', 'tally')).stdout).toBe('there are no actors of type tally\n');
    expect(await actors('show', 'tally/a')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('error ACTOR_NOT_FOUND'),
    });
    await stop(third);
  });

  it('is rolled out beside its older version: each actor stays on its own, new ones are of the new one', async () => {
    const old = await start(`${V1}, version: '1'`);
    const one = await client();
    await one.start('tally', { id: 'old' });
    await one.send('tally', 'old', { type: 'add' });
    await expect.poll(() => count(one, 'old')).toBe(1);

    const next = await start(`${V2}, version: '2', versions: { '1': { ${V1} } }`);
    // Both hosts take sessions; an actor that the new host has started is left alone by the old one, which says so (I14).
    let id = '';
    for (let round = 0; id === ''; round++) {
      await one.start('tally', { id: `n${round}` });
      if ((await one.query('tally', `n${round}`)).version === '2') id = `n${round}`;
    }
    await one.send('tally', id, { type: 'add' });
    await one.send('tally', 'old', { type: 'add' });
    await expect.poll(() => count(one, id)).toBe(2);
    await expect.poll(() => count(one, 'old')).toBe(2);
    await one.close();

    await stop(old);
    await expect
      .poll(async () => (await actors('ls', 'tally')).stdout, { interval: 500 })
      .toMatch(/^old +active +open +3 +1$/m);
    await withClient(async (again) => {
      await again.send('tally', 'old', { type: 'add' });
      await expect.poll(() => count(again, 'old')).toBe(3);
      await again.start('tally', { id: 'last' });
      expect(await again.query('tally', 'last')).toMatchObject({ value: 'counting', version: '2' });
    });
    expect((await stop(next)).code).toBe(0);
  });
});

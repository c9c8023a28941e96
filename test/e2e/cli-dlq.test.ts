// `quorate dlq` against an application that runs: what a person on call sees and types.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect } from '../../src/client/connect.ts';
import { type Ended, runCli, startCli } from './cli-process.ts';

const picky = {
  module: new URL('../fixtures/apps/picky.machine.ts', import.meta.url).href,
  export: 'picky',
  version: '1',
};
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorate-dlq-'));
  await writeFile(
    join(folder, 'quorate.config.ts'),
    `export default { machines: { picky: ${JSON.stringify(picky)} } };\n`,
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const dlq = (...args: readonly string[]): Promise<Ended> => runCli(['dlq', ...args], { cwd: folder });

it('dead letters are listed, shown, sent again and thrown away from the command line', async () => {
  expect(await dlq('ls')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('error CONNECTION_FAILED: '),
  });
  const app = startCli(['start', '--port', '0'], { cwd: folder });
  await app.says(/^machines .*$/m);
  expect(await dlq('ls')).toMatchObject({ code: 0, stdout: 'there are no dead letters\n' });

  const client = await connect({ data: join(folder, '.quorate'), env: {} });
  await client.start('picky', { id: 'p' });
  for (const value of ['one', 'two']) await client.send('picky', 'p', { type: 'take', value });
  await client.send('picky', 'p', { type: 'learn' });
  await expect.poll(async () => (await client.deadLetters.list()).items.length).toBe(2);

  const { stdout } = await dlq('ls');
  const [head, first = '', second = ''] = stdout.split('\n');
  expect(head).toMatch(/^number +at +kind +actor +agent +code +description$/);
  expect(first).toMatch(/^ *\d+ +\d{4}-.*Z +event +picky\/p +MACHINE_THREW +.*what is this\?$/);
  const number = /^ *(\d+)/.exec(first)?.[1] ?? '';
  const other = /^ *(\d+)/.exec(second)?.[1] ?? '';

  expect((await dlq('show', number)).stdout).toMatch(/"value": "one"/);
  expect(await dlq('show', '999')).toMatchObject({ code: 1, stdout: 'there is no dead letter 999\n' });
  expect(JSON.parse((await dlq('ls', '--json', '--limit', '1')).stdout)).toMatchObject({
    items: [{ code: 'MACHINE_THREW' }],
    next: Number(other),
  });

  expect((await dlq('redrive')).code).toBe(2);
  expect((await dlq('discard', other)).code).toBe(2);
  expect(await dlq('redrive', '--code', 'MACHINE_THREW', '--dry-run')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /would be taken, then in its only state; nothing leaves\n2 would be taken\n$/,
    ),
  });
  expect(await dlq('redrive', number)).toMatchObject({ code: 0, stdout: `${number} redriven\n1 redriven\n` });
  await expect.poll(async () => (await client.query('picky', 'p')).context).toMatchObject({ taken: ['one'] });
  expect(await dlq('discard', other, '--yes')).toMatchObject({ code: 0 });
  expect((await dlq('ls')).stdout).toBe('there are no dead letters\n');
  await client.close();
  app.child.kill('SIGTERM');
  expect((await app.ended).code).toBe(0);
});

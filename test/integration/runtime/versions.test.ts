// Two versions of a host side by side (I14): the older one leaves the newer one's actors alone and serves its own between.
import { expect, it, onTestFinished } from 'vitest';
import type { Logger } from '../../../src/contract/ports.ts';
import { LOCK_MS, startBrokerFor } from '../../kit/broker.ts';
import { app, startRuntime } from '../../kit/runtime.ts';

const NEWER = 50;
const HANG_MS = 120_000;
const POLL = { timeout: 60_000 };

const host = (version: string, data: string) => ({
  machines: { counter: { ...app('counter.machine.ts', 'counter'), version } },
  data,
  roles: ['actors' as const],
});
const ids = Array.from({ length: NEWER }, (_, at) => `newer-${at}`);
const add = { type: 'add', by: 1 } as const;

it(
  'an older host makes progress among newer actors with a backlog, and a newer one gets every lock',
  async () => {
    const said: string[] = [];
    const note = (message: string): void => void said.push(message);
    const logger: Logger = { debug: () => {}, info: () => {}, warn: note, error: note };
    // Owns the broker, and serves no actor.
    await using idle = await startRuntime({ machines: host('1', '').machines, roles: ['agents'] });
    const { client } = idle.runtime;
    const countOf = async (id: string): Promise<number> => (await client.query('counter', id)).context.count;
    {
      await using first = await startRuntime(host('2', idle.data));
      void first;
      await Promise.all(ids.map((id) => client.start('counter', { id })));
    }
    await Promise.all(ids.map((id) => client.send('counter', id, add)));

    await using old = await startRuntime(host('1', idle.data), { logger });
    void old;
    await client.start('counter', { id: 'own' });
    for (let n = 1; n <= 3; n++) {
      await client.send('counter', 'own', add);
      await expect.poll(() => countOf('own'), POLL).toBe(n);
      await Promise.all(ids.map((id) => client.send('counter', id, add)));
    }
    expect(said.filter((line) => line.includes('version 2'))).toHaveLength(1);

    await using newer = await startRuntime(host('2', idle.data));
    void newer;
    await expect.poll(() => Promise.all(ids.map(countOf)), POLL).toEqual(ids.map(() => 4));
  },
  HANG_MS,
);

it('a timer of a state that a migration renames rings once, under its new name; one that it drops is taken back', async () => {
  const broker = await startBrokerFor(['renamed', 'quiet'], []);
  onTestFinished(() => broker.stop());
  const at = (version: string, names: Record<'renamed' | 'quiet', { export: string; migrate?: string }>) => {
    const of = (type: 'renamed' | 'quiet') => ({
      ...app('renaming.machine.ts', ''),
      version,
      ...names[type],
    });
    return startRuntime({
      machines: { renamed: of('renamed'), quiet: of('quiet') },
      connectionString: broker.connectionString,
      lockDurationMs: LOCK_MS,
    });
  };
  const scheduled = async (type: string): Promise<number> =>
    (await broker.status()).find(({ name }) => name === `actor.${type}`)?.scheduled ?? Number.NaN;
  const types = ['renamed', 'quiet'] as const;
  {
    await using first = await at('1', { renamed: { export: 'before' }, quiet: { export: 'before' } });
    for (const type of types) await first.runtime.client.start(type, { id: 'a' });
    await expect.poll(() => Promise.all(types.map(scheduled)), POLL).toEqual([1, 1]);
  }
  await using second = await at('2', {
    renamed: { export: 'renamed', migrate: 'rename' },
    quiet: { export: 'quiet', migrate: 'drop' },
  });
  const { client } = second.runtime;
  for (const type of types) await client.send(type, 'a', { type: 'note' });
  const contextOf = async (type: (typeof types)[number]) => (await client.query(type, 'a')).context;
  await expect.poll(() => contextOf('quiet'), POLL).toEqual({ rung: 0, noted: 1 });
  await expect.poll(() => scheduled('quiet'), POLL).toBe(0);
  await expect.poll(() => contextOf('renamed'), POLL).toEqual({ rung: 1, noted: 1 });
  expect(await client.query('renamed', 'a')).toMatchObject({ value: 'over' });
  expect(await scheduled('renamed')).toBe(0);
  await client.send('renamed', 'a', { type: 'note' });
  await expect.poll(() => contextOf('renamed'), POLL).toEqual({ rung: 1, noted: 2 });
});

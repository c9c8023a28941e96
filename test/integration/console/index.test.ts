// The index against the sessions that it is a projection of: fed by two hosts, healed after it was lost, and after a process that died
// before it told. It ends equal to what queries say.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openView, type View } from '../../../src/console/open.ts';
import type { ActorRow } from '../../../src/console/protocol.ts';
import { SILENT } from '../../../src/contract/ports.ts';
import { app, startRuntime, type TestRuntime } from '../../kit/runtime.ts';

const machines = { counter: app('counter.machine.ts', 'counter'), fan: app('fan.machine.ts', 'fan') };
const agents = { work: { run: (input: number) => input * 2, concurrency: 4 } };
let first: TestRuntime<never>;
let second: TestRuntime<never>;
let view: View;

beforeAll(async () => {
  first = await startRuntime({ machines, agents, index: true });
  second = await startRuntime({ machines, agents, index: true, data: first.data });
  view = await open();
});
afterAll(async () => {
  await view.close();
  await second[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
});

const open = (): Promise<View> =>
  openView({ connect: { data: first.data, env: {} }, logger: SILENT, types: ['counter'] });
const row = async (address: string): Promise<ActorRow | undefined> =>
  (await view.index.actor(address))?.actor;

/** What of a row a query says too. */
async function compare(addresses: readonly string[]): Promise<void> {
  for (const address of addresses) {
    const [type = '', id = ''] = address.split('/');
    const { status, value, turn, version } = await first.runtime.client.query(type as never, id);
    await expect
      .poll(() => row(address), { interval: 50, timeout: 20_000 })
      .toMatchObject({
        status,
        value,
        turn,
        version,
      });
  }
}

describe('the index', () => {
  it('is what queries say, for actors of two hosts', async () => {
    const { client } = first.runtime;
    const ids = Array.from({ length: 20 }, (_, at) => `one-${at}`);
    await Promise.all(ids.map((id) => client.start('counter' as never, { id } as never)));
    for (const id of ids.slice(0, 5)) await client.send('counter' as never, id, { type: 'add', by: 2 });
    await compare(ids.map((id) => `counter/${id}`));
    expect((await view.index.actors({ type: 'counter', limit: 7 })).rows).toHaveLength(7);
    const processes = await view.index.processes(view.now());
    expect(processes.filter(({ state }) => state === 'alive')).toHaveLength(2);
    expect(await view.index.definition('counter')).toMatchObject({ id: 'counter' });
  });

  it('forgets with the actor, history included', async () => {
    const { client } = first.runtime;
    await client.start('counter' as never, { id: 'purged' } as never);
    await expect.poll(() => row('counter/purged')).toBeDefined();
    await client.actors.purge('counter', 'purged');
    await expect.poll(() => row('counter/purged')).toBeUndefined();
    // A new life of it is there again.
    await client.start('counter' as never, { id: 'purged' } as never);
    await expect.poll(() => row('counter/purged')).toMatchObject({ turn: 1 });
  });

  it('fills itself again when its file is lost', async () => {
    await view.close();
    await rm(join(first.data, 'console'), { recursive: true });
    view = await open();
    await expect.poll(async () => (await view.index.actors({ type: 'counter' })).count).toBe(21);
    await compare(['counter/one-0', 'counter/one-19']);
    expect((await view.index.actor('counter/one-0'))?.gaps).not.toEqual([]);
  });

  it('is read by a second console, which takes over from the first', async () => {
    const other = await open();
    expect(await other.index.mode()).toBe('reading');
    expect((await other.index.actors({})).count).toBeGreaterThan(20);
    await other.close();
  });
});

// Named actions over a real broker: begun before what later steps send, never waited for with a lock in hand, never lost.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { openLaboratory } from '../../../src/testing/scenario.ts';
import { TestWorld } from '../../../src/testing/world.ts';
import { app, startRuntime } from '../../kit/runtime.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorate-actions-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A log of its own, and a gate that is shut. */
function files(name: string) {
  const log = join(folder, `${name}.log`);
  const gate = join(folder, `${name}.gate`);
  writeFileSync(log, '');
  const lines = (): string[] => readFileSync(log, 'utf8').split('\n').filter(Boolean);
  const seen = (line: string, times = 1): Promise<void> =>
    vi.waitFor(() => expect(lines().filter((one) => one === line)).toHaveLength(times), 20_000);
  return { input: { log, gate } as never, lines, seen, open: () => writeFileSync(gate, '') };
}

it('an action of an earlier step is begun before the agent of a later one', async () => {
  await using test = await startRuntime({
    machines: { order: app('actions.machine.ts', 'order') },
    agents: {
      charge: {
        run: ({ log }: { log: string }) => {
          appendFileSync(log, 'charge\n');
          return null;
        },
      },
    },
  });
  for (let n = 0; n < 8; n++) {
    const { input, lines } = files(`order-${n}`);
    await test.runtime.client.run('order', { id: `o${n}`, input });
    expect(lines()).toEqual(['reserve', 'charge']);
  }
});

it('an actor goes on while its slow action runs, which runs once, and is waited for at the stop', async () => {
  const { input, lines, seen, open } = files('slow');
  {
    await using test = await startRuntime({ machines: { waiter: app('actions.machine.ts', 'waiter') } });
    const { client } = test.runtime;
    await client.start('waiter', { id: 'a', input });
    await client.send('waiter', 'a', { type: 'wait' });
    await seen('wait begun');
    await client.send('waiter', 'a', { type: 'next' });
    await vi.waitFor(async () => expect((await client.query('waiter', 'a')).value).toBe('moved'), 20_000);
    expect(lines()).toEqual(['wait begun']);
    setTimeout(open, 100);
  }
  expect(lines()).toEqual(['wait begun', 'wait over']);
});

it('an action that ends its thread each time is tried three times, then lies with the dead letters', async () => {
  const { input, lines } = files('die');
  await using test = await startRuntime({ machines: { waiter: app('actions.machine.ts', 'waiter') } });
  const { client } = test.runtime;
  await client.start('waiter', { id: 'a', input });
  await client.send('waiter', 'a', { type: 'die' });
  await vi.waitFor(async () => {
    const { items } = await client.deadLetters.list({ actor: 'waiter/a' });
    expect(items).toMatchObject([{ kind: 'action', code: 'ACTION_POISONED', from: 'action.waiter' }]);
  }, 25_000);
  expect(lines()).toEqual(['die', 'die', 'die']);
  await client.send('waiter', 'a', { type: 'next' });
  await vi.waitFor(async () => expect((await client.query('waiter', 'a')).value).toBe('moved'), 20_000);
});

it('an action whose host dies while it runs is begun again by another', async () => {
  const { input, lines, seen, open } = files('killed');
  const config = { machines: { waiter: app('actions.machine.ts', 'waiter') } };
  const laboratory = await openLaboratory(config);
  onTestFinished(() => laboratory.close());
  const world = await TestWorld.open({ config, laboratory });
  onTestFinished(() => world.close());
  await world.client.start('waiter', { id: 'a', input });
  await world.client.send('waiter', 'a', { type: 'wait' });
  await seen('wait begun');
  // Its copy is in the queue once the actor's messages are gone.
  await world.settled();
  await world.host.kill();
  open();
  await seen('wait over');
  await world.startHost();
  await world.advance('13 seconds');
  await seen('wait begun', 2);
  expect(lines()).toContain('wait over');
});

// What nobody waits for lies nowhere: neither in the broker's queues nor in its file, whichever process took care of it.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Broker } from '../../../src/broker/index.ts';
import { LOCK_MS, startBrokerFor } from '../../kit/broker.ts';
import { app, startRuntime } from '../../kit/runtime.ts';

let broker: Broker;
beforeAll(async () => {
  broker = await startBrokerFor(['waiter'], []);
});
afterAll(() => broker.stop());

const HOUR = 3_600_000;
const open = (more: { readonly retentionMs?: number } = {}) =>
  startRuntime({
    ...more,
    machines: { waiter: app('waiter.machine.ts', 'waiter') },
    connectionString: broker.connectionString,
    lockDurationMs: LOCK_MS,
  });
const scheduled = async () =>
  (await broker.status()).find(({ name }) => name === 'actor.waiter')?.scheduled ?? Number.NaN;

it('takes back the timers of actors that another process has set, when they are left, cancelled or purged', async () => {
  const ids = ['left', 'cancelled', 'purged', 'ended and purged'];
  {
    await using first = await open();
    for (const id of ids) await first.runtime.client.start('waiter', { id, input: { ms: HOUR } });
    expect(await scheduled()).toBe(4);
  }
  await using second = await open();
  const { client } = second.runtime;
  await client.send('waiter', 'left', { type: 'keep' });
  await client.cancel('waiter', 'cancelled');
  await client.cancel('waiter', 'ended and purged');
  await client.actors.purge('waiter', 'purged');
  await client.actors.purge('waiter', 'ended and purged');
  // The one timer of the first, and the end of what is left of the second.
  await expect.poll(scheduled, { timeout: 10_000 }).toBe(2);
});

it('leaves no session of an actor that is forgotten: by its retention time, or by a purge', async () => {
  await using test = await open({ retentionMs: 100 });
  const { client } = test.runtime;
  await client.start('waiter', { id: 'forgotten', input: { ms: 1 } });
  await client.start('waiter', { id: 'gone', input: { ms: HOUR } });
  await client.actors.purge('waiter', 'gone');
  const listed = async () => (await client.actors.list('waiter')).ids;
  await expect.poll(listed, { timeout: 10_000 }).not.toContain('forgotten');
  expect(await listed()).not.toContain('gone');
});

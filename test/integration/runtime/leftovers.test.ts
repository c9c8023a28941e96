// What nobody waits for lies nowhere: neither in the broker's queues nor in its file, whichever process took care of it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Broker } from 'quorate-broker';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { throttled } from '../../../src/contract/failure.ts';
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

it('takes back what an agent of another process tries again later, once its asker is cancelled, purged, elsewhere or content', async () => {
  const data = await mkdtemp(join(tmpdir(), 'quorate-leftovers-'));
  onTestFinished(() => rm(data, { recursive: true }));
  const own = await startBrokerFor(['leaver', 'first'], ['flaky']);
  onTestFinished(() => own.stop());
  const begun: unknown[] = [];
  let answerLate = (): void => {};
  const late = new Promise<void>((resolve) => {
    answerLate = resolve;
  });
  const config = {
    data,
    machines: { leaver: app('leaver.machine.ts', 'leaver'), first: app('leaver.machine.ts', 'first') },
    agents: {
      flaky: {
        run: async (input: unknown) => {
          begun.push(input);
          const { item = null } = (input ?? {}) as { readonly item?: unknown };
          if (item === 'late') await late;
          if (item === 'good') return 'good';
          throw throttled({ retryAfterMs: HOUR });
        },
        deadlineMs: 3 * HOUR,
      },
    },
    connectionString: own.connectionString,
    lockDurationMs: LOCK_MS,
  };
  await using asking = await startRuntime({ ...config, roles: ['actors'] });
  await using doing = await startRuntime({ ...config, roles: ['agents'] });
  expect(doing.data).toBe(data);
  const { client } = asking.runtime;
  const retries = async () =>
    (await own.status()).find(({ name }) => name === 'agent.flaky')?.scheduled ?? Number.NaN;

  const ids = ['cancelled', 'purged', 'left', 'waits'];
  for (const id of ids) await client.start('leaver', { id });
  await expect.poll(retries, { timeout: 10_000 }).toBe(ids.length);
  await client.cancel('leaver', 'cancelled');
  await client.actors.purge('leaver', 'purged');
  await client.send('leaver', 'left', { type: 'leave' });
  await expect.poll(retries, { timeout: 10_000 }).toBe(1);

  const items = ['bad', 'worse', 'late', 'good'];
  await expect(client.run('first', { id: 'content', input: { items } })).resolves.toMatchObject({ ok: 1 });
  await expect.poll(() => begun.length, { timeout: 10_000 }).toBe(ids.length + items.length);
  // Its attempt ends only now: either of the two takes the retry back.
  answerLate();
  const counted = () => doing.runtime.counters().agents['flaky'];
  await expect.poll(() => counted()?.running, { timeout: 10_000 }).toBe(0);
  await expect.poll(retries, { timeout: 10_000 }).toBe(1);
  expect(counted()?.started).toBe(ids.length + items.length);
});

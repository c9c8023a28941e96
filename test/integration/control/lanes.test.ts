// Lanes over a real socket: one tenant's work waits at its asker, another's begins among it, all of it is done, and what is cancelled
// makes room. What is counted are tasks and not time.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { QuorateClient } from '../../../src/contract/client.ts';
import type { QuorateConfig } from '../../../src/contract/config.ts';
import { app, startRuntime, type TestRuntime } from '../../kit/runtime.ts';

const CONCURRENCY = 2;
const LARGE = 60;
const CALL_MS = 25;

let test: TestRuntime<QuorateConfig>;
let client: QuorateClient;
const begun: string[] = [];

const oracle = async ({ item }: { readonly item: string }): Promise<string> => {
  begun.push(item);
  await new Promise((resolve) => setTimeout(resolve, CALL_MS));
  return item;
};

beforeAll(async () => {
  test = await startRuntime({
    machines: { gather: app('gathering.machine.ts', 'gatherAll') },
    agents: { oracle: { run: oracle, concurrency: CONCURRENCY, lane: { weights: { paying: 2 } } } },
  });
  client = test.runtime.client;
});

afterAll(async () => {
  await test?.[Symbol.asyncDispose]();
});

const items = (name: string, count: number) => ({ items: Array.from({ length: count }, () => name) });
const countOf = (name: string, of: readonly string[] = begun): number =>
  of.filter((one) => one === name).length;

it('a tenant that comes behind a large one begins at once, and both are done to their end', async () => {
  const large = client.run('gather', { id: 'l', input: items('large', LARGE) as never, tenant: 'large' });
  await expect.poll(() => begun.length, { timeout: 20_000 }).toBeGreaterThan(5);
  const at = begun.length;
  const small = client.run('gather', { id: 's', input: items('small', 3) as never, tenant: 'small' });
  expect(await small).toMatchObject({ status: 'gathered', ok: 3 });
  // What was in the queue and in hand, and what began while it asked: not the rest of the hundred.
  expect(begun.slice(at).indexOf('small')).toBeLessThan(LARGE / 3);
  expect(countOf('large')).toBeLessThan(LARGE);
  expect(await large).toMatchObject({ status: 'gathered', ok: LARGE });
  expect(countOf('large')).toBe(LARGE);
}, 60_000);

it('a run that is cancelled makes room, and what it had not sent never begins', async () => {
  begun.length = 0;
  await client.start('gather', { id: 'x', input: items('cancelled', LARGE) as never, tenant: 'one' });
  await expect.poll(() => begun.length, { timeout: 20_000 }).toBeGreaterThan(2);
  await client.cancel('gather', 'x');
  const next = await client.run('gather', { id: 'n', input: items('next', 8) as never, tenant: 'one' });
  expect(next).toMatchObject({ ok: 8 });
  expect(countOf('cancelled')).toBeLessThan(LARGE / 2);
  expect(test.runtime.counters().agents['oracle']).toMatchObject({ running: 0 });
}, 60_000);

it('keeps what all processes share in a queue that nobody lists', async () => {
  const listed = await client.actors.list('gather');
  expect(listed.ids).not.toContain('lane:oracle');
});

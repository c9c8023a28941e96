// What people who run agents reported, as it went on their bills, against a model that counts: a run that was stopped went on paying
// for its stream, and a call longer than a lock was made twice. The other incidents stand where their means are tested.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { AgentContext } from '../../../src/contract/config.ts';
import { LOCK_MS, startBrokerFor } from '../../kit/broker.ts';
import { type ModelServer, startModelServer, type Work } from '../../kit/model/server.ts';
import { app, startRuntime } from '../../kit/runtime.ts';

const SOON = { timeout: 20_000 };
const machines = { asker: app('asker.machine.ts', 'asker') };

let folder: string;
let model: ModelServer;
let work: Work = {};
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorate-incidents-'));
  model = await startModelServer({ work: () => work });
});
afterEach(() => {
  work = {};
});
afterAll(async () => {
  await model?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Streams, whether anybody reads the pieces or not: only a stream's end stops the bill. */
async function ask(_input: unknown, { signal }: AgentContext): Promise<string> {
  const response = await fetch(`${model.url}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ stream: true, messages: [] }),
    signal,
  });
  return response.text();
}

it('a run that is stopped stops paying: the provider sees its stream end', async () => {
  await using stack = new AsyncDisposableStack();
  const broker = await startBrokerFor(['asker'], ['oracle']);
  stack.defer(() => broker.stop());
  const config = {
    data: join(folder, 'stopped'),
    machines,
    agents: { oracle: { run: ask } },
    lockDurationMs: LOCK_MS,
    connectionString: broker.connectionString,
  };
  await using asking = await startRuntime({ ...config, roles: ['actors'] });
  await using _doing = await startRuntime({ ...config, roles: ['agents'] });
  work = { ms: 60_000, outputTokens: 6_000 };
  const { client } = asking.runtime;
  await client.start('asker', { id: 'a', input: { question: 'why' } as never });
  await expect.poll(() => model.running, SOON).toBe(1);
  await client.cancel('asker', 'a');
  await expect.poll(() => model.calls, SOON).toHaveLength(1);
  const [call] = model.calls;
  expect(call).toMatchObject({ end: 'aborted' });
  expect(call?.billedTokens).toBeLessThan(6_000 / 2);
});

it('a call that outlasts the lock of its message is made once, and its answer counts', async () => {
  const data = join(folder, 'restarted');
  const entities = [['asker'], ['oracle']] as const;
  // Ended after the host, which would wait for it.
  await using stack = new AsyncDisposableStack();
  const first = await startBrokerFor(...entities, { data });
  const { port, connectionString } = first;
  await using test = await startRuntime({
    data: join(folder, 'host'),
    machines,
    agents: { oracle: { run: ask } },
    lockDurationMs: LOCK_MS,
    connectionString,
  });
  const { client, counters } = test.runtime;
  const before = model.asked.length;
  work = { ms: 4_000 };
  await client.start('asker', { id: 'b', input: { question: 'why' } as never });
  await expect.poll(() => model.running, SOON).toBe(1);
  // Its lock is forgotten, so that the task is handed out again while the call runs.
  await first.stop();
  const second = await startBrokerFor(...entities, { data, port });
  stack.defer(() => second.stop());
  await client.result('asker', 'b');
  await expect.poll(() => counters().agents['oracle']?.answeredFromStore, SOON).toBe(1);
  expect(model.asked.length - before).toBe(1);
  expect(model.calls.at(-1)).toMatchObject({ end: 'answered' });
});

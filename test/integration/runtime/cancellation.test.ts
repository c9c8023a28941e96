// Work that nobody waits for any more: what is queued is not begun, what runs is told, in whichever way its asker stopped waiting
// and however far above the asker that was. Asker and agent are two processes' runtimes on one data folder.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Broker } from 'quorate-broker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { QuorateClient } from '../../../src/contract/client.ts';
import type { AgentContext, QuorateConfig } from '../../../src/contract/config.ts';
import { LOCK_MS, startBrokerFor } from '../../kit/broker.ts';
import { app, startRuntime, type TestRuntime } from '../../kit/runtime.ts';

const BRANCHES = 20;
const CONCURRENCY = 2;
const SOON = { timeout: 20_000 };

interface Call {
  readonly item: number;
  readonly signal: AbortSignal;
  readonly answer: (value: number) => void;
}

let data: string;
let broker: Broker;
let asking: TestRuntime<QuorateConfig>;
let doing: TestRuntime<QuorateConfig>;
let client: QuorateClient;
/** Those that run and have not been told. */
const calls = new Set<Call>();
let begun = 0;
const reasons: unknown[] = [];

/** Waits until its test answers or its signal aborts. */
function work(input: unknown, { signal }: AgentContext): Promise<number> {
  const { item = 0 } = (input ?? {}) as { readonly item?: number };
  begun++;
  return new Promise((resolve, reject) => {
    const call: Call = { item, signal, answer: resolve };
    calls.add(call);
    signal.addEventListener('abort', () => {
      calls.delete(call);
      reasons.push(signal.reason);
      reject(signal.reason as Error);
    });
  });
}

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'quorate-cancellation-'));
  const machines = {
    fan: app('fan.machine.ts', 'fan'),
    parent: app('fan.machine.ts', 'parent'),
    grandparent: app('fan.machine.ts', 'grandparent'),
    stubborn: app('fan.machine.ts', 'stubborn'),
  };
  broker = await startBrokerFor(
    [
      'fan',
      'stubborn',
      'parent',
      'parent.fan',
      'grandparent',
      'grandparent.parent',
      'grandparent.parent.fan',
    ],
    ['work'],
  );
  const config = {
    data,
    machines,
    agents: { work: { run: work, concurrency: CONCURRENCY, deadlineMs: 600_000 } },
    connectionString: broker.connectionString,
    lockDurationMs: LOCK_MS,
  };
  asking = await startRuntime({ ...config, roles: ['actors'] });
  doing = await startRuntime({ ...config, roles: ['agents'] });
  client = asking.runtime.client;
});

afterAll(async () => {
  await asking?.[Symbol.asyncDispose]();
  await doing?.[Symbol.asyncDispose]();
  await broker?.stop();
  await rm(data, { recursive: true, force: true });
});

const counted = () => ({ ...doing.runtime.counters().agents['work'] });
const queued = async () => {
  const status = await broker.status();
  const queue = status.find(({ name }) => name === 'agent.work');
  return (queue?.active ?? 0) + (queue?.scheduled ?? 0) + (queue?.deadLettered ?? 0);
};

interface Way {
  readonly type: string;
  readonly input?: { readonly policy?: 'deadline' };
  readonly close: (id: string) => Promise<unknown>;
}

const WAYS: Record<string, Way> = {
  'the actor is cancelled': { type: 'fan', close: (id) => client.cancel('fan', id) },
  'the actor is purged': { type: 'fan', close: (id) => client.actors.purge('fan', id) },
  'the state of the invoke is left': {
    type: 'fan',
    close: (id) => client.send('fan', id, { type: 'leave' }),
  },
  'the gather has enough': {
    type: 'fan',
    close: async () => [...calls][0]?.answer(1),
  },
  'the gather misses its deadline': {
    type: 'fan',
    input: { policy: 'deadline' },
    close: async () => {},
  },
  'the parent is cancelled': { type: 'parent', close: (id) => client.cancel('parent', id) },
  'the parent leaves its child': {
    type: 'parent',
    close: (id) => client.send('parent', id, { type: 'leave' }),
  },
  'the grandparent is cancelled': { type: 'grandparent', close: (id) => client.cancel('grandparent', id) },
  'the grandparent is purged': { type: 'grandparent', close: (id) => client.actors.purge('grandparent', id) },
  'the grandparent leaves its child': {
    type: 'grandparent',
    close: (id) => client.send('grandparent', id, { type: 'leave' }),
  },
};

it.each(Object.entries(WAYS))('%s', async (name, { type, input = {}, close }) => {
  calls.clear();
  begun = 0;
  reasons.length = 0;
  const before = counted();
  await client.start(type, { id: name.replaceAll(' ', '-'), input } as never);
  await expect.poll(() => calls.size, SOON).toBe(CONCURRENCY);
  await expect.poll(queued, SOON).toBe(BRANCHES);
  await close(name.replaceAll(' ', '-'));

  await expect.poll(queued, SOON).toBe(0);
  const answered = name === 'the gather has enough' ? 1 : 0;
  const after = counted();
  // The slot of the one that answered may have been taken before its gather was closed.
  const running = CONCURRENCY + answered;
  expect(begun).toBeGreaterThanOrEqual(CONCURRENCY);
  expect(begun).toBeLessThanOrEqual(running);
  expect(reasons).toHaveLength(begun - answered);
  for (const reason of reasons) expect(reason).toMatchObject({ code: 'TASK_CANCELLED' });
  expect({
    begun: (after.started ?? 0) - (before.started ?? 0),
    aborted: (after.aborted ?? 0) - (before.aborted ?? 0),
    failed: (after.failed ?? 0) - (before.failed ?? 0),
  }).toEqual({ begun, aborted: begun - answered, failed: 0 });
  // Others were over by their time to live when they would have been handed out.
  const dropped = (after.cancelled ?? 0) - (before.cancelled ?? 0);
  if (input.policy === 'deadline') expect(dropped).toBeLessThanOrEqual(BRANCHES - begun);
  else expect(dropped).toBe(BRANCHES - begun);
  // Nobody is bothered with what nobody waited for.
  expect(asking.runtime.counters().deadLetters).toBe(0);
});

it('what says so is done to its end, although its actor was cancelled', async () => {
  calls.clear();
  reasons.length = 0;
  const done: number[] = [];
  await client.start('stubborn', { id: 's', input: null as never });
  await expect.poll(() => calls.size, SOON).toBe(CONCURRENCY);
  await client.cancel('stubborn', 's');
  await expect
    .poll(async () => {
      for (const call of calls) {
        calls.delete(call);
        done.push(call.item);
        call.answer(1);
      }
      return queued();
    }, SOON)
    .toBe(0);
  expect(done.toSorted((one, other) => one - other)).toEqual([100, 101, 102, 103]);
  expect(reasons).toEqual([]);
});

it('all that runs on behalf of a tenant, by one call', async () => {
  calls.clear();
  const acme = { tenant: 'acme', priority: 'high' } as const;
  await client.start('fan', { id: 'acme-1', input: {}, ...acme } as never);
  await client.start('parent', { id: 'acme-2', ...acme } as never);
  await client.start('fan', { id: 'other', input: {}, tenant: 'other' } as never);
  await client.start('fan', { id: 'nobody', input: {} } as never);
  await expect.poll(() => calls.size, SOON).toBe(CONCURRENCY);
  expect(await client.query('fan', 'acme-1')).toMatchObject(acme);
  expect(await client.cancelTenant('acme')).toMatchObject({ cancelled: 2 });
  const statusOf = async (type: string, id: string) => (await client.query(type, id)).status;
  expect(await statusOf('fan', 'acme-1')).toBe('stopped');
  expect(await statusOf('parent', 'acme-2')).toBe('stopped');
  expect(await statusOf('fan', 'other')).toBe('active');
  expect(await statusOf('fan', 'nobody')).toBe('active');
  expect(await client.cancelTenant('acme')).toMatchObject({ cancelled: 0 });
  expect(await client.cancelTenant('other', { types: ['parent'] })).toMatchObject({ cancelled: 0 });
  expect(await client.cancelTenant('other', { types: ['fan'] })).toMatchObject({ cancelled: 1 });
  await client.cancel('fan', 'nobody');
});

// What runs in worker threads, and what becomes of it when a thread dies or never ends.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { app, startRuntime } from '../../kit/runtime.ts';

const machines = { breaker: app('breaker.machine.ts', 'breaker') };
const cpu = (name: string) => ({
  module: new URL('../../fixtures/apps/cpu.agents.ts', import.meta.url),
  export: name,
});

describe('a turn', () => {
  it.each([
    ['exit', 'WORKER_DIED'],
    ['spin', 'TURN_TIMEOUT'],
  ])(
    'that ends in %s is poison in the end: its actor and the others go on (I7)',
    async (type, code) => {
      const warned: string[] = [];
      const note = (_: string, fields?: Readonly<Record<string, unknown>>) =>
        void warned.push(String(fields?.['code']));
      await using test = await startRuntime(
        { machines, workers: 2, turnTimeoutMs: 150 },
        { logger: { debug: () => {}, info: () => {}, warn: note, error: note } },
      );
      const { client, counters } = test.runtime;
      await Promise.all([client.start('breaker', { id: 'bad' }), client.start('breaker', { id: 'good' })]);
      const events = ['add', type, 'add'];
      for (const event of events) await client.send('breaker', 'bad', { type: event });
      await client.send('breaker', 'good', { type: 'add' });
      await expect
        .poll(async () => (await client.query('breaker', 'good')).context)
        .toMatchObject({ count: 1 });
      await expect.poll(() => counters().deadLetters).toBe(1);
      await expect
        .poll(async () => (await client.query('breaker', 'bad')).context)
        .toMatchObject({ count: 2 });
      expect(counters().actors.poisoned).toBe(1);
      expect(warned).toContain(code);
    },
    60_000,
  );

  it('that runs out of memory ends its thread only: the process lives, and neighbours are answered (I7)', async () => {
    const warned: { message: string; code: string }[] = [];
    const note = (message: string, fields?: Readonly<Record<string, unknown>>) =>
      void warned.push({ message, code: String(fields?.['code']) });
    await using test = await startRuntime(
      // So long that on a busy machine, too, memory is what ends the turn.
      { machines, workers: 2, turnTimeoutMs: 120_000 },
      { logger: { debug: () => {}, info: () => {}, warn: note, error: note } },
    );
    const { client, counters } = test.runtime;
    await Promise.all([client.start('breaker', { id: 'bad' }), client.start('breaker', { id: 'good' })]);
    for (const type of ['add', 'hoard', 'add'] as const) await client.send('breaker', 'bad', { type });
    let sent = 0;
    do {
      sent += 1;
      await client.send('breaker', 'good', { type: 'add' });
      await expect
        .poll(async () => (await client.query('breaker', 'good')).context)
        .toMatchObject({ count: sent });
    } while (counters().deadLetters === 0);
    const listed = async () => (await client.deadLetters.list()).items;
    await expect.poll(listed).toMatchObject([{ code: 'TURN_POISONED', actor: 'breaker/bad', kind: 'event' }]);
    await expect.poll(async () => (await client.query('breaker', 'bad')).context).toMatchObject({ count: 2 });
    expect(counters().actors.poisoned).toBe(1);
    const failures = warned.filter(({ code }) => code === 'WORKER_DIED' || code === 'TURN_TIMEOUT');
    // Three attempts of its own, and perhaps one with its neighbours in the batch.
    expect(failures.length).toBeGreaterThanOrEqual(3);
    for (const failure of failures)
      expect(failure).toEqual({ code: 'WORKER_DIED', message: expect.stringMatching(/memory/) });
  }, 300_000);
});

describe('a machine’s own', () => {
  it('promise logic runs as an agent, and its answer comes back as a message', async () => {
    await using test = await startRuntime({ machines });
    const { client, counters } = test.runtime;
    await client.start('breaker', { id: 'b' });
    await client.send('breaker', 'b', { type: 'double', n: 21 });
    await expect
      .poll(async () => (await client.query('breaker', 'b')).context)
      .toMatchObject({ doubled: 42 });
    expect(counters().agents['breaker logic']).toMatchObject({ started: 1, failed: 0 });
  });

  it('named action runs after the commit, with what was committed; one that fails holds nothing up', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'quorate-bell-'));
    const path = join(folder, 'bell.txt');
    try {
      await using test = await startRuntime({ machines });
      const { client } = test.runtime;
      await client.start('breaker', { id: 'b' });
      await client.send('breaker', 'b', { type: 'bell', path });
      await expect.poll(() => readFile(path, 'utf8').catch(() => '')).toContain('"count":1');
      expect(await client.query('breaker', 'b')).toMatchObject({ status: 'active', context: { count: 1 } });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('a CPU agent', () => {
  it('runs in a worker thread under its task’s key', async () => {
    await using test = await startRuntime({
      machines: { asker: app('asker.machine.ts', 'asker') },
      agents: { oracle: cpu('fibonacci') },
    });
    const { client } = test.runtime;
    await client.start('asker', { id: 'a', input: { question: '20' } as never });
    const { answer } = (await client.result('asker', 'a')) as {
      answer: { value: number; threadId: number; key: string; attempt: number };
    };
    expect(answer).toMatchObject({ value: 6765, attempt: 1 });
    expect(answer.threadId).toBeGreaterThan(0);
    expect(answer.key).not.toBe('');
  });

  it('that takes its thread down is tried again', async () => {
    await using test = await startRuntime({
      machines: { asker: app('asker.machine.ts', 'asker') },
      agents: { oracle: { ...cpu('unsteady'), retry: { backoffMs: 10 } } },
    });
    const { client, counters } = test.runtime;
    await client.start('asker', { id: 'a', input: { question: '' } as never });
    expect(await client.result('asker', 'a')).toEqual({ answer: { attempt: 2 } });
    expect(counters().agents['oracle']).toMatchObject({ started: 2, retried: 1 });
  });
});

// What must hold under a backlog: concurrency is never exceeded, long tasks are done once.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { app, startRuntime } from '../../kit/runtime.ts';

describe('an agent’s queue', () => {
  it('of 2,000 tasks never has more running than the agent’s concurrency', async () => {
    let running = 0;
    let peak = 0;
    await using test = await startRuntime({
      machines: { all: app('gathering.machine.ts', 'gatherAll') },
      agents: {
        oracle: {
          concurrency: 7,
          run: async () => {
            peak = Math.max(peak, ++running);
            await sleep(1);
            running--;
            return { counts: { done: 1 } };
          },
        },
      },
    });
    const { client, counters } = test.runtime;
    await client.start('all', {
      id: 'burst',
      input: { items: Array.from({ length: 2_000 }, (_, at) => at) } as never,
    });
    const output = await client.result('all', 'burst', { timeoutMs: 120_000 });
    expect(output).toMatchObject({ total: 2_000, ok: 2_000, counts: { done: 2_000 } });
    expect(peak).toBeLessThanOrEqual(7);
    expect(peak).toBeGreaterThan(1);
    expect(counters().agents['oracle']).toMatchObject({ started: 2_000, peak: 7 });
  });

  it('keeps the lock of a task that runs for three lock durations: it completes once', async () => {
    const runs: number[] = [];
    await using test = await startRuntime({
      machines: { asker: app('asker.machine.ts', 'asker') },
      lockDurationMs: 5_000,
      agents: {
        oracle: {
          run: async (question: string, { attempt }) => {
            runs.push(attempt);
            await sleep(15_500);
            return `${question}, slowly`;
          },
        },
      },
    });
    const { client } = test.runtime;
    await client.start('asker', { id: 'a', input: { question: 'think' } as never });
    expect(await client.result('asker', 'a', { timeoutMs: 60_000 })).toEqual({ answer: 'think, slowly' });
    expect(runs).toEqual([1]);
  });
});

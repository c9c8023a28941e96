// Bounds of a run over a real socket: what spirals, hangs or asks for too much ends with its code, and its work is cancelled.
import { expect, it } from 'vitest';
import type { AgentContext } from '../../../src/contract/config.ts';
import { app, startRuntime } from '../../kit/runtime.ts';

it('ends a run at each of its bounds, and cancels what it has open', async () => {
  const told: unknown[] = [];
  await using test = await startRuntime({
    machines: {
      spiral: app('spiral.machine.ts', 'spiral'),
      waiting: app('spiral.machine.ts', 'waiting'),
      wide: app('spiral.machine.ts', 'wide'),
    },
    agents: {
      sleeper: {
        concurrency: 4,
        run: (_: unknown, { signal }: AgentContext) =>
          new Promise((resolve) => {
            signal.addEventListener('abort', () => {
              told.push((signal.reason as { code?: string }).code);
              resolve(null);
            });
          }),
      },
    },
  });
  const { client, counters } = test.runtime;
  const run = (type: 'spiral' | 'waiting' | 'wide', id: string, bounds: object, input: unknown = {}) =>
    client.run(type, { id, input: input as never, ...bounds });

  await expect(run('spiral', 'deep', { maxDepth: 4 })).rejects.toMatchObject({ code: 'TOO_DEEP' });
  // The root and four levels of children, and not one more.
  const { ids } = await client.actors.list('spiral');
  expect(ids).toHaveLength(5);

  await expect(run('waiting', 'late', { deadlineMs: 300 })).rejects.toMatchObject({ code: 'RUN_DEADLINE' });
  await expect(run('waiting', 'quiet', { noProgressMs: 300 })).rejects.toMatchObject({ code: 'RUN_STALLED' });
  await expect.poll(() => told).toEqual(['TASK_CANCELLED', 'TASK_CANCELLED']);

  const { started } = counters().agents['sleeper'] ?? {};
  const items = Array.from({ length: 20 }, (_, n) => n);
  await expect(run('wide', 'wide', { maxTasks: 19 }, { items })).rejects.toMatchObject({
    code: 'TOO_MANY_TASKS',
    data: { asked: 20, left: 19 },
  });
  expect(counters().agents['sleeper']?.started).toBe(started);

  for (const bounds of [{ deadlineMs: 0 }, { maxDepth: -1 }, { maxTasks: 0 }, { noProgressMs: Number.NaN }])
    await expect(run('waiting', 'odd', bounds)).rejects.toMatchObject({ code: 'INPUT_INVALID' });
});

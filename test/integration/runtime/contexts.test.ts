// A runtime that is made in a request is ready when it is there, and does not show that request to its agents.
import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, it } from 'vitest';
import { LOCK_MS, startBrokerFor } from '../../kit/broker.ts';
import { app, startRuntime } from '../../kit/runtime.ts';

it('runs agents outside of every request, and is ready at once', async () => {
  const broker = await startBrokerFor(['asker'], ['oracle']);
  const request = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  const oracle = (question: string): string => {
    seen.push(request.getStore());
    return `${question}!`;
  };
  try {
    await using test = await request.run('of the start', () =>
      startRuntime({
        machines: { asker: app('asker.machine.ts', 'asker') },
        agents: { oracle: { run: oracle } },
        connectionString: broker.connectionString,
        lockDurationMs: LOCK_MS,
        // A runtime as its users get it, with threads of its own.
        workers: 2,
      }),
    );
    const { runtime } = test;
    expect(runtime.health()).toEqual({ ready: true });
    const ask = (id: string) =>
      request.run(`of ${id}`, () => runtime.client.run('asker', { id, input: { question: id } }));
    expect(await Promise.all([ask('one'), ask('two')])).toEqual([{ answer: 'one!' }, { answer: 'two!' }]);
    expect(seen).toEqual([undefined, undefined]);
  } finally {
    await broker.stop();
  }
});

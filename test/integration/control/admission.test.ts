// New runs are refused while tasks wait too long in an agent's queue, over a real socket; what is there, and what it needs, goes on.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { app, startRuntime } from '../../kit/runtime.ts';

it('refuses new runs while a queue stands, and takes them again once it is short', async () => {
  const hold = { ms: 120 };
  await using test = await startRuntime({
    machines: { wide: app('spiral.machine.ts', 'wide') },
    agents: {
      sleeper: {
        concurrency: 1,
        run: async () => {
          await sleep(hold.ms);
          return null;
        },
      },
    },
    admission: { maxWaitMs: 100, intervalMs: 200 },
  });
  const { client } = test.runtime;
  const wide = (id: string) => client.start('wide', { id, input: { items: [1] } as never });
  await wide('first');
  // On a busy machine the last of them are refused already.
  await Promise.allSettled(Array.from({ length: 40 }, (_, n) => wide(`next-${n}`)));

  let refused: unknown;
  await expect
    .poll(
      async () => {
        refused = await wide(`more-${Math.random()}`).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        return refused !== undefined;
      },
      { interval: 50 },
    )
    .toBe(true);
  expect(refused).toMatchObject({
    code: 'OVERLOADED',
    message: expect.stringMatching(/^tasks of 'sleeper' wait \d+ ms and longer .*: try again in \d+ ms$/),
    data: { agent: 'sleeper', retryAfterMs: expect.any(Number) },
  });
  // It is there, and is not started anew.
  expect(await wide('first')).toMatchObject({ answer: 'exists' });
  await expect(client.run('wide', { id: 'run', input: { items: [1] } as never })).rejects.toMatchObject({
    code: 'OVERLOADED',
  });
  await expect(client.query('wide', 'run')).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });

  hold.ms = 0;
  await expect
    .poll(async () => (await wide('late').catch(() => undefined))?.answer, { interval: 100 })
    .toBe('started');
});

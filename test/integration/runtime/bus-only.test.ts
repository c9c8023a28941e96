// Nothing goes round Service Bus: with its port shut nothing moves, and it carries exactly what tasks and replies need.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { LOCK_MS, startBrokerFor } from '../../kit/broker.ts';
import { openGate } from '../../kit/gate.ts';
import { app, startRuntime } from '../../kit/runtime.ts';

it('moves nothing while the port is blocked, and the broker counts one transfer a task and a reply', async () => {
  const broker = await startBrokerFor(['all'], ['oracle']);
  await using gate = await openGate(broker.port);
  const data = await mkdtemp(join(tmpdir(), 'quorate-gate-'));
  try {
    let ran = 0;
    const hold = { on: true };
    await using test = await startRuntime({
      machines: { all: app('gathering.machine.ts', 'gatherAll') },
      agents: {
        oracle: {
          concurrency: 4,
          run: async () => {
            ran++;
            while (hold.on) await sleep(5);
            return { counts: { done: 1 } };
          },
        },
      },
      connectionString: broker.connectionString.replace(`:${broker.port}`, `:${gate.port}`),
      lockDurationMs: LOCK_MS,
      data,
    });
    const { client, counters } = test.runtime;
    await client.start('all', { id: 'g', input: { items: [1, 2, 3, 4, 5, 6, 7, 8] } as never });
    await expect.poll(() => ran).toBe(4);
    // The start is settled: nothing of its turn has to be sent again.
    await expect
      .poll(async () => (await broker.status()).find(({ name }) => name === 'actor.all')?.active)
      .toBe(0);
    gate.shut();
    hold.on = false;
    // The four that were running end; no reply can leave, no task can come, no turn can be committed.
    await sleep(1_000);
    const commits = counters().actors.commits;
    await sleep(1_500);
    expect(ran).toBe(4);
    expect(counters().actors.commits).toBe(commits);
    gate.open();
    expect(await client.result('all', 'g', { timeoutMs: 60_000 })).toMatchObject({
      total: 8,
      ok: 8,
      counts: { done: 8 },
    });
    // One task and one reply a branch, beside the start, the wait for the result, and the actor's own two timers.
    await expect.poll(async () => (await broker.counters())['scheduled']).toBe(2);
    const {
      'in.agent.oracle': tasks,
      'out.agent.oracle': taken,
      'in.actor.all': inbox = 0,
      ...rest
    } = await broker.counters();
    expect(tasks).toBe(8);
    expect(taken).toBe(8 + (rest['locks.lost'] ?? 0));
    expect(inbox).toBe(1 + 8 + 1 + 2 + (rest['duplicates'] ?? 0));
    expect(rest['state.writes']).toBeGreaterThanOrEqual(counters().actors.commits);
    const status = await broker.status();
    expect(status.find(({ name }) => name === 'agent.oracle')).toMatchObject({ active: 0, deadLettered: 0 });
  } finally {
    await broker.stop();
    await rm(data, { recursive: true, force: true });
  }
});

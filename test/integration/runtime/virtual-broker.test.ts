// A whole runtime on a broker whose time is virtual: days of its actors pass in a moment, one timer after the other.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LOCK_MS, startBrokerFor } from '../../kit/broker.ts';
import { app, startRuntime } from '../../kit/runtime.ts';

const DAY_MS = 24 * 3_600_000;

it('lets the timers of actors come due day by day, each handled before the next', {
  timeout: 150_000,
}, async () => {
  const broker = await startBrokerFor(['waiter'], [], { clock: 'virtual', idle: {} });
  const data = await mkdtemp(join(tmpdir(), 'quorate-virtual-'));
  const start = broker.now();
  const ended: [string, number][] = [];
  try {
    await using test = await startRuntime(
      {
        machines: { waiter: app('waiter.machine.ts', 'waiter') },
        connectionString: broker.connectionString,
        lockDurationMs: LOCK_MS,
        data,
      },
      {
        inspection: {
          actor: () => {},
          step: ({ address, snapshot }) => {
            if (snapshot.status === 'done')
              ended.push([address.id, Math.floor((broker.now() - start) / DAY_MS)]);
          },
        },
      },
    );
    const { client } = test.runtime;
    for (const days of [3, 1, 2])
      await client.start('waiter', { id: `${days} days`, input: { ms: days * DAY_MS } });
    await broker.advance(4 * DAY_MS);
    expect(ended).toEqual([
      ['1 days', 1],
      ['2 days', 2],
      ['3 days', 3],
    ]);
    expect(broker.now()).toBe(start + 4 * DAY_MS);
  } finally {
    await broker.stop();
    await rm(data, { recursive: true, force: true });
  }
});

// Readiness follows the connection to the broker, and ends with the stop.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBroker } from 'quorate-broker';
import { expect, it } from 'vitest';
import { app, startRuntime } from '../../kit/runtime.ts';

it('a runtime is ready while it has a connection, not while the broker is gone, and not once it stops', async () => {
  const data = await mkdtemp(join(tmpdir(), 'quorate-health-'));
  try {
    const broker = await startBroker({ data, port: 0 });
    const { runtime } = await startRuntime({
      data,
      machines: { counter: app('counter.machine.ts', 'counter') },
    });
    expect(runtime.info.mode).toBe('joined');
    await expect.poll(() => runtime.health()).toEqual({ ready: true });
    await broker.stop();
    // Between the loss and the moment in which this process takes the data over there is nobody to connect to.
    await expect.poll(() => runtime.health(), { interval: 5 }).toMatchObject({ ready: false });
    await expect.poll(() => runtime.health()).toEqual({ ready: true });
    const stopped = runtime.stop();
    expect(runtime.health()).toEqual({ ready: false, why: 'it is stopping' });
    await stopped;
  } finally {
    await rm(data, { recursive: true, force: true });
  }
});

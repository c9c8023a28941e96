// What a closed client leaves behind: nothing that keeps its process, and no place of a watcher.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { LOCK_MS, startBrokerFor } from '../../kit/broker.ts';
import { app, startRuntime } from '../../kit/runtime.ts';

const CLIENT = fileURLToPath(new URL('./client-process.ts', import.meta.url));
/** Hang limit: a watch that is left open would keep the process, and its place, for longer. */
const LIMIT_MS = 40_000;

it('a process ends by itself when its client is closed, and the places of its watches are free at once', async () => {
  const broker = await startBrokerFor(['counter'], []);
  try {
    const { connectionString } = broker;
    await using test = await startRuntime({
      machines: { counter: app('counter.machine.ts', 'counter') },
      connectionString,
      lockDurationMs: LOCK_MS,
    });
    await test.runtime.client.start('counter', { id: 'c' });
    for (let round = 0; round < 2; round++) {
      const { stdout } = await promisify(execFile)(process.execPath, [CLIENT, connectionString], {
        timeout: LIMIT_MS,
      });
      expect(JSON.parse(stdout)).toEqual({ result: 'ABORTED', next: { done: true } });
    }
  } finally {
    await broker.stop();
  }
}, 100_000);

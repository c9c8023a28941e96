// The service detaches links that are idle for ten minutes and closes connections without links; here for a second.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { LOCK_MS, startBrokerFor } from '../../kit/broker.ts';
import { app, startRuntime } from '../../kit/runtime.ts';

it('works on after its links were detached for idleness', async () => {
  const broker = await startBrokerFor(['asker'], ['oracle'], {
    idle: { linkMs: 1_000, connectionMs: 1_500 },
  });
  const warnings: string[] = [];
  const quiet = (): void => {};
  const warn = (line: string): void => void warnings.push(line);
  const data = await mkdtemp(join(tmpdir(), 'quorate-idle-'));
  try {
    await using test = await startRuntime(
      {
        machines: { asker: app('asker.machine.ts', 'asker') },
        agents: { oracle: { run: (question: string) => `${question}!` } },
        connectionString: broker.connectionString,
        lockDurationMs: LOCK_MS,
        data,
      },
      { logger: { debug: quiet, info: quiet, warn, error: warn } },
    );
    const { client } = test.runtime;
    for (const id of ['before', 'after', 'again']) {
      await client.start('asker', { id, input: { question: id } });
      expect(await client.result('asker', id, { timeoutMs: 20_000 })).toEqual({ answer: `${id}!` });
      await sleep(3_500);
    }
    // A healthy host has nothing to say of it.
    expect(warnings).toEqual([]);
  } finally {
    await broker.stop();
    await rm(data, { recursive: true, force: true });
  }
});

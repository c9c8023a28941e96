// The service detaches links that are idle for ten minutes and closes connections without links; here for a second.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { toBrokerTopology } from '../../../src/bridge/topology.ts';
import { createBroker } from '../../../src/broker/index.ts';
import { declareEntities } from '../../../src/contract/entities.ts';
import { app, startRuntime } from '../../kit/runtime.ts';

it('works on after its links were detached for idleness', { timeout: 60_000 }, async () => {
  const entities = declareEntities({
    machineTypes: ['asker'],
    logicTypes: [],
    agents: ['oracle'],
    lockDurationMs: 5_000,
    duplicateWindowMs: 600_000,
  });
  const broker = await createBroker({
    data: { memory: true },
    port: 0,
    topology: toBrokerTopology(entities, ''),
    idle: { linkMs: 1_000, connectionMs: 1_500 },
  });
  const data = await mkdtemp(join(tmpdir(), 'quorate-idle-'));
  try {
    await using test = await startRuntime({
      machines: { asker: app('asker.machine.ts', 'asker') },
      agents: { oracle: { run: (question: string) => `${question}!` } },
      connectionString: broker.connectionString,
      lockDurationMs: 5_000,
      data,
    });
    const { client } = test.runtime;
    for (const id of ['before', 'after', 'again']) {
      await client.start('asker', { id, input: { question: id } });
      expect(await client.result('asker', id, { timeoutMs: 20_000 })).toEqual({ answer: `${id}!` });
      await sleep(3_500);
    }
  } finally {
    await broker.stop();
    await rm(data, { recursive: true, force: true });
  }
});

// `quorate doctor` as a call: what a configuration needs of its Service Bus, and whether it is so.
import { createWorkerPool } from './actors/host/pool.ts';
import { type Environment, resolveConfig } from './config.ts';
import { type Address, dataFolderOf, targetOf } from './connection.ts';
import type { QuorateConfig } from './contract/config.ts';
import type { Finding } from './contract/doctor.ts';
import { declareEntities } from './contract/entities.ts';
import { listens } from './listens.ts';
import { registerMachines } from './registration.ts';

export async function* diagnose(
  config: QuorateConfig,
  env: Environment = process.env,
): AsyncGenerator<Finding, void, undefined> {
  const resolved = resolveConfig(config, env);
  const target = targetOf(resolved, env['NODE_ENV']);
  const connection = target.mode === 'embedded' ? await embedded(dataFolderOf(resolved)) : target.connection;
  if (connection === undefined) {
    const text = `the embedded broker of ${dataFolderOf(resolved)} does not run: it starts with the application, which makes its entities`;
    yield { check: 'reachable', status: 'ok', text };
    return;
  }
  const pool = createWorkerPool({ threads: 1, turnTimeoutMs: resolved.turnTimeoutMs });
  let entities: ReturnType<typeof declareEntities>;
  try {
    const { machines, logicTypes } = await registerMachines(resolved, pool);
    entities = declareEntities({
      machineTypes: [...machines.keys()],
      logicTypes,
      agents: Object.keys(resolved.agents),
      lockDurationMs: resolved.lockDurationMs,
      duplicateWindowMs: resolved.duplicateWindowMs,
    });
  } finally {
    await pool.close();
  }
  const { examine } = await import('./bridge/examine.ts');
  yield* examine({ connection, prefix: resolved.prefix, entities });
}

async function embedded(folder: string): Promise<Address | undefined> {
  const { readBrokerRecord } = await import('./broker/index.ts');
  const record = readBrokerRecord(folder);
  // A broker that was killed leaves its record behind.
  if (record === undefined || !(await listens(record.port))) return undefined;
  return { kind: 'connectionString', connectionString: record.connectionString };
}

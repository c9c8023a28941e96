// `quorate doctor` as a call: what a configuration needs of its Service Bus, and whether it is so.
import { describeSettings } from '../actors/agents/limit/describe.ts';
import { createWorkerPool } from '../actors/pool/pool.ts';
import { listens } from '../common/neighbours.ts';
import { loadBroker } from '../common/optional-packages.ts';
import { type Environment, resolveConfig } from '../config/resolve.ts';
import { type Address, dataFolderOf, targetOf } from '../config/target.ts';
import type { QuorateConfig, ResolvedConfig } from '../contract/config.ts';
import type { EntityDeclaration } from '../contract/entities.ts';
import type { Finding } from '../contract/runtime.ts';
import { unshared } from '../storage/stores.ts';
import { registerMachines } from './registration.ts';

export async function* diagnose(
  config: QuorateConfig,
  env: Environment = process.env,
): AsyncGenerator<Finding, void, undefined> {
  const resolved = resolveConfig(config, env);
  const target = targetOf(resolved, env['NODE_ENV']);
  const alone = unshared(resolved, target);
  if (alone !== undefined) {
    const fix =
      'Set payloadContainer to one container for all of them; with one machine, or a folder that all share, nothing has to be done.';
    yield { check: 'store', status: 'unknown', text: alone, fix };
  }
  yield* limitsOf(resolved);
  const connection = target.mode === 'embedded' ? await embedded(dataFolderOf(resolved)) : target.connection;
  if (connection === undefined) {
    const text = `the embedded broker of ${dataFolderOf(resolved)} does not run: it starts with the application, which makes its entities`;
    yield { check: 'reachable', status: 'ok', text };
    return;
  }
  const entities = await entitiesOf(resolved);
  const { examine } = await import('../bridge/topology/examine.ts');
  yield* examine({ connection, prefix: resolved.prefix, entities });
}

/** What agents share with those of all other processes. */
function* limitsOf({ limits, agents, roles }: ResolvedConfig): Generator<Finding> {
  for (const [name, limit] of Object.entries(limits)) {
    const users = Object.entries(agents).flatMap(([agent, config]) => (config.limit === name ? [agent] : []));
    const text = `limit '${name}': ${describeSettings(limit)}, for ${users.join(', ') || 'no agent'}`;
    if (users.length > 0 || !roles.includes('agents')) yield { check: 'limits', status: 'ok', text };
    else
      yield {
        check: 'limits',
        status: 'unknown',
        text,
        fix: `Write limit: '${name}' at the agents that it is for, or take it out.`,
      };
  }
}

async function entitiesOf(config: ResolvedConfig): Promise<readonly EntityDeclaration[]> {
  const pool = createWorkerPool({ threads: 1, turnTimeoutMs: config.turnTimeoutMs });
  try {
    return (await registerMachines(config, pool)).entities;
  } finally {
    await pool.close();
  }
}

async function embedded(folder: string): Promise<Address | undefined> {
  const { readBrokerRecord } = await loadBroker();
  const record = readBrokerRecord(folder);
  // A broker that was killed leaves its record behind.
  if (record === undefined || !(await listens(record.port))) return undefined;
  return { kind: 'connectionString', connectionString: record.connectionString };
}

// Three hosts and a broker, each a process; the hosts reach the broker through connections that can be cut.
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EMULATOR_KEYS, emulatorConfigOf } from 'quorate-broker';
import { toBrokerTopology } from '../src/bridge/topology/topology.ts';
import { declareEntities } from '../src/contract/entities.ts';
import { type Connections, startConnections } from './connections.ts';
import { Process } from './process.ts';
import { config, LOCK_MS } from './quorate.config.ts';

const CONFIG = fileURLToPath(new URL('./quorate.config.ts', import.meta.url));
const HOSTS = 3;

export interface World {
  readonly broker: Process;
  readonly hosts: readonly Process[];
  readonly connections: Connections;
  /** For the one who looks on: past the connections that are cut. */
  readonly connectionString: string;
  readonly ledger: string;
  stop(): Promise<void>;
}

export async function createWorld(folder: string): Promise<World> {
  const ledger = join(folder, 'ledger');
  const entities = join(folder, 'entities.json');
  await mkdir(ledger);
  await writeFile(entities, emulatorConfigOf(topology()));
  const port = await freePort();
  const broker = new Process({
    name: 'broker',
    args: ['broker', '--port', String(port), '--data', join(folder, 'broker'), '--config', entities],
    cwd: folder,
    env: {},
    log: join(folder, 'broker.log'),
    ready: /^stop /m,
  });
  await broker.start();
  const connections = await startConnections(port);
  const hosts = Array.from(
    { length: HOSTS },
    (_, at) =>
      new Process({
        name: `host ${at + 1}`,
        args: ['start', '--config', CONFIG, '--data', join(folder, 'shared')],
        cwd: folder,
        env: {
          QUORATE_CONNECTION_STRING: connectionStringTo(connections.port),
          QUORATE_CHAOS_LEDGER: ledger,
        },
        log: join(folder, `host-${at + 1}.log`),
        ready: /^machines /m,
      }),
  );
  await Promise.all(hosts.map((host) => host.start()));
  return {
    broker,
    hosts,
    connections,
    connectionString: connectionStringTo(port),
    ledger,
    stop: async () => {
      await Promise.all(hosts.map((host) => host.kill()));
      connections.close();
      await broker.kill();
    },
  };
}

function topology() {
  return toBrokerTopology(
    declareEntities({
      machineTypes: Object.keys(config.machines),
      logicTypes: [],
      actionTypes: [],
      agents: Object.keys(config.agents),
      lockDurationMs: LOCK_MS,
      duplicateWindowMs: 600_000,
    }),
    '',
  );
}

function connectionStringTo(port: number): string {
  const [[name, key] = []] = Object.entries(EMULATOR_KEYS);
  return `Endpoint=sb://127.0.0.1:${port};SharedAccessKeyName=${name};SharedAccessKey=${key};UseDevelopmentEmulator=true;`;
}

/** The broker comes back at the port it had. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

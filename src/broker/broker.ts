import { AmqpServer } from './amqp/server.ts';
import { Alarms, systemClock } from './clock.ts';
import { Core } from './core/core.ts';
import { Namespace } from './core/namespace.ts';
import { recover } from './core/recovery.ts';
import { statusOf } from './core/status.ts';
import {
  DEFAULT_KEY_NAME,
  drawKey,
  keptKey,
  prepareFolder,
  readBrokerRecord,
  removeBrokerRecord,
  writeBrokerRecord,
} from './data-folder.ts';
import { BrokerError } from './errors.ts';
import type { Broker, LocalBrokerOptions } from './options.ts';
import { openStore } from './store/sqlite.ts';
import type { Store } from './store/store.ts';

const DEFAULT_MESSAGE_BYTES = 262_144;
const LOOPBACK = '127.0.0.1';

/** Runs a broker in this thread; `startBroker` runs the same in a thread of its own. */
export async function createBroker(options: LocalBrokerOptions): Promise<Broker> {
  const folder = typeof options.data === 'string' ? options.data : undefined;
  const store = claimStore(folder, options.maxPages);
  let close: (reason: string) => void = () => {};
  const closed = new Promise<{ reason: string }>((resolve) => {
    close = (reason) => resolve({ reason });
  });

  const alarms = new Alarms(options.clock ?? systemClock);
  const core = new Core(store, alarms, options.maxMessageBytes ?? DEFAULT_MESSAGE_BYTES, (error) => {
    void shutDown(`the store failed: ${String(error)}`);
  });
  const keys = options.keys ?? { [DEFAULT_KEY_NAME]: folder === undefined ? drawKey() : keptKey(folder) };
  let server: AmqpServer | undefined;
  let stopping: Promise<void> | undefined;

  const shutDown = (reason: string): Promise<void> => {
    stopping ??= (async () => {
      await server?.close();
      core.committer.stop();
      alarms.stop();
      store.close();
      if (folder !== undefined) removeBrokerRecord(folder);
      close(reason);
    })();
    return stopping;
  };

  try {
    const namespace = new Namespace(core);
    if (options.topology) namespace.declare(options.topology);
    recover(core, namespace);
    server = new AmqpServer(core, namespace, keys);
    const port = await server.listen(options.host ?? LOOPBACK, options.port);
    const connectionString = describeConnection(port, keys);
    if (folder !== undefined) writeBrokerRecord(folder, { pid: process.pid, port, connectionString });
    return {
      port,
      connectionString,
      closed,
      declare: async (topology) => namespace.declare(topology),
      status: async () => statusOf(core, namespace),
      counters: async () => ({
        ...core.counters.toRecord(),
        commits: core.committer.commits,
        operations: core.committer.operations,
      }),
      stop: () => shutDown('stopped'),
    };
  } catch (error) {
    alarms.stop();
    store.close();
    throw error;
  }
}

function claimStore(folder: string | undefined, maxPages: number | undefined): Store {
  if (folder !== undefined) prepareFolder(folder);
  try {
    return openStore({ folder, maxPages });
  } catch (error) {
    if (!(error instanceof BrokerError) || error.code !== 'BROKER_DATA_IN_USE' || folder === undefined)
      throw error;
    const owner = readBrokerRecord(folder);
    throw new BrokerError('BROKER_DATA_IN_USE', `The data folder ${folder} belongs to a running broker.`, {
      folder,
      pid: owner?.pid,
      port: owner?.port,
    });
  }
}

function describeConnection(port: number, keys: Record<string, string>): string {
  const [name, key] = Object.entries(keys)[0] ?? [DEFAULT_KEY_NAME, ''];
  return `Endpoint=sb://${LOOPBACK}:${port};SharedAccessKeyName=${name};SharedAccessKey=${key};UseDevelopmentEmulator=true;`;
}

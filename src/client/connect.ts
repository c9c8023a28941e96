// `connect<typeof config>()`: a client in another process, which needs no machine and no agent, only the broker's address.

import { createBridge } from '../bridge/bridge.ts';
import { loadBroker } from '../common/optional-packages.ts';
import { resolveConfig } from '../config/resolve.ts';
import { type Address, dataFolderOf, targetOf } from '../config/target.ts';
import type { QuorateClient } from '../contract/client.ts';
import type { QuorateConfig } from '../contract/config.ts';
import { QuorateError } from '../contract/errors.ts';
import { type Bridge, type Clock, type Logger, SILENT } from '../contract/ports.ts';
import { warnOfOtherApi } from '../observability/api-copies.ts';
import { openPayloads, streamsOnDemand } from '../storage/stores.ts';
import { createClient } from './client.ts';

/** Where a client finds Service Bus and the payload store: fields of the configuration, else the variables of `env` (default `process.env`). */
export type ConnectOptions = Partial<
  Pick<
    QuorateConfig,
    | 'namespace'
    | 'connectionString'
    | 'prefix'
    | 'data'
    | 'broker'
    | 'payloadContainer'
    | 'payloadConnectionString'
    | 'payloadCompression'
    | 'payloadCodecs'
  >
> & {
  readonly logger?: Logger;
  readonly env?: Readonly<Record<string, string | undefined>>;
};

/** Joins the embedded broker of the data folder, or connects to the namespace that options or environment name. */
export async function connect<C extends QuorateConfig>(
  options: ConnectOptions = {},
): Promise<QuorateClient<C>> {
  return (await openClient<C>(options)).client;
}

/** A client, and what it is made of: for the console, which reads what clients do not. */
export interface OpenedClient<C extends QuorateConfig = QuorateConfig> {
  /** To close it closes the bridge. */
  readonly client: QuorateClient<C>;
  readonly bridge: Bridge;
  readonly clock: Clock;
  /** Absolute path of the data folder. */
  readonly data: string;
  readonly prefix: string;
  /** `embedded`, or the host of the namespace. */
  readonly broker: string;
}

export async function openClient<C extends QuorateConfig>(options: ConnectOptions): Promise<OpenedClient<C>> {
  const { logger = SILENT, env = process.env, ...fields } = options;
  warnOfOtherApi(options.logger);
  const config = resolveConfig({ machines: {}, ...fields }, env);
  const target = targetOf(config, env['NODE_ENV']);
  const connection: Address =
    target.mode === 'embedded'
      ? { kind: 'connectionString', connectionString: await localConnectionString(dataFolderOf(config)) }
      : target.connection;
  const payloads = await openPayloads(config, target);
  const bridge = await createBridge({ ...config, connection, logger });
  const { clock, endpoint } = bridge;
  const { open: streams, close } = streamsOnDemand(config, target);
  const onClose = async (): Promise<void> => {
    await close();
    await bridge.close();
  };
  return {
    client: createClient<C>({ bridge, payloads, streams, clock, endpoint, onClose }),
    bridge,
    clock,
    data: dataFolderOf(config),
    prefix: config.prefix,
    broker: target.mode === 'embedded' ? 'embedded' : target.endpoint,
  };
}

async function localConnectionString(dataFolder: string): Promise<string> {
  const { readBrokerRecord } = await loadBroker();
  const record = readBrokerRecord(dataFolder);
  if (record === undefined) {
    throw new QuorateError(
      'CONNECTION_FAILED',
      `no application runs on ${dataFolder}: start it, or name the folder of one that runs`,
    );
  }
  return record.connectionString;
}

// What needs the engine of the broker in this thread, which is loaded when it is first asked for. An application starts its
// broker in a thread of its own and loads the engine there: a second copy in its main thread would cost a fifth of its start.
import type { Broker, EntityStatus, LocalBrokerOptions } from './options.ts';

/**
 * Runs a broker in this thread, for tests. In an application take `startBroker`: there a busy thread delays no client.
 *
 * @returns The broker, listening. `connectionString` is for `new ServiceBusClient(...)`.
 * @throws A BrokerError: BROKER_PORT_IN_USE, BROKER_DATA_IN_USE, BROKER_DATA_UNREADABLE, BROKER_TOPOLOGY_INVALID and others.
 * @example
 * ```ts
 * const broker = await createBroker({ data: { memory: true }, port: 0, topology: { queues: [{ name: 'orders' }] } });
 * const client = new ServiceBusClient(broker.connectionString);
 * // ...
 * await client.close();
 * await broker.stop();
 * ```
 */
export async function createBroker(options: LocalBrokerOptions): Promise<Broker> {
  const engine = await import('./broker.ts');
  return engine.createBroker(options);
}

/**
 * What a data folder holds, one entry for each queue, topic and subscription: told by the broker that runs on it, else read from the file.
 *
 * @throws BROKER_DATA_UNREADABLE when the file is damaged.
 */
export async function readStatus(folder: string): Promise<EntityStatus[]> {
  const status = await import('./status.ts');
  return status.readStatus(folder);
}

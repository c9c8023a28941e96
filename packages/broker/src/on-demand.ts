// What needs the engine of the broker in this thread, which is loaded when it is first asked for. An application starts its
// broker in a thread of its own and loads the engine there: a second copy in its main thread would cost a fifth of its start.
import type { Broker, EntityStatus, LocalBrokerOptions } from './options.ts';

/** Runs a broker in this thread; `startBroker` runs the same in a thread of its own. */
export async function createBroker(options: LocalBrokerOptions): Promise<Broker> {
  const engine = await import('./broker.ts');
  return engine.createBroker(options);
}

/** What a data folder holds, a line per queue, topic and subscription: told by the broker that runs on it, else read from the file. */
export async function readStatus(folder: string): Promise<EntityStatus[]> {
  const status = await import('./status.ts');
  return status.readStatus(folder);
}

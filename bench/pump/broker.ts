// The bench's side of the broker.
import { fileURLToPath } from 'node:url';
import { startProcess, type WorkerProcess } from '../runtime/worker-process.ts';

export interface Open {
  readonly connections: number;
  /** AMQP sessions and links. */
  readonly endpoints: number;
  readonly locks: number;
}

export type BrokerJobs = {
  where: () => Promise<{ readonly port: number; readonly connectionString: string }>;
  open: () => Promise<Open>;
  locksOf: (entity: string) => Promise<number>;
};

export type BrokerProcess = WorkerProcess<BrokerJobs>;

const ENTRY = fileURLToPath(new URL('./broker-entry.ts', import.meta.url));

/** It listens when this resolves. */
export async function startBroker(data: string, port = 0): Promise<BrokerProcess> {
  const broker = startProcess<BrokerJobs>(ENTRY, [data, String(port)]);
  await broker.ask('where');
  return broker;
}

// A broker on disk in a process of its own, which tells how many locks, connections, AMQP sessions and links are open.
// Arguments: data folder, port.

import { createBroker } from 'quorate-broker';
import { toBrokerTopology } from '../../src/bridge/topology/topology.ts';
import { serveJobs } from '../runtime/jobs.ts';
import type { BrokerJobs } from './broker.ts';
import { ENTITIES, QUEUE } from './entities.ts';

const [, , data = '', port = '0'] = process.argv;
const broker = await createBroker({ data, port: Number(port), topology: toBrokerTopology(ENTITIES, '') });

const jobs: BrokerJobs = {
  where: async () => ({ port: broker.port, connectionString: broker.connectionString }),
  async open() {
    const { connections = 0, endpoints = 0 } = await broker.counters();
    const locks = (await broker.status()).find(({ name }) => name === QUEUE)?.locks ?? 0;
    return { connections, endpoints, locks };
  },
  locksOf: async (entity) => (await broker.status()).find(({ name }) => name === entity)?.locks ?? 0,
};

serveJobs(jobs);

// A broker in this process with the entities of one application, for tests that look into it or outlive a runtime.

import { type Broker, createBroker, type LocalBrokerOptions } from 'quorate-broker';
import { toBrokerTopology } from '../../src/bridge/topology/topology.ts';
import { declareEntities } from '../../src/contract/entities.ts';

/** The service's least: tests that wait for a lock wait no longer than they must. */
export const LOCK_MS = 5_000;

export function startBrokerFor(
  machineTypes: readonly string[],
  agents: readonly string[],
  more: Partial<LocalBrokerOptions> = {},
): Promise<Broker> {
  const entities = declareEntities({
    machineTypes,
    logicTypes: [],
    actionTypes: [],
    agents,
    lockDurationMs: LOCK_MS,
    duplicateWindowMs: 600_000,
  });
  return createBroker({ data: { memory: true }, port: 0, topology: toBrokerTopology(entities, ''), ...more });
}

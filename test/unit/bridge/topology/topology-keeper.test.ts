// What is missing is named, with the command that makes it: also the queue that processes share, which is there only where it is used.
import { ServiceBusError } from '@azure/service-bus';
import { expect, it } from 'vitest';
import { createTopologyKeeper } from '../../../../src/bridge/topology/topology-keeper.ts';
import { declareEntities } from '../../../../src/contract/entities.ts';
import { SILENT } from '../../../../src/contract/ports.ts';

const needs = { machineTypes: [], logicTypes: [], actionTypes: [], agents: [], lockDurationMs: 30_000 };
const entities = declareEntities({ ...needs, duplicateWindowMs: 600_000, control: true }).filter(
  ({ name }) => name === 'control',
);

function keeperOf(isEmulator: boolean) {
  const missing = () => Promise.reject(new ServiceBusError('no such entity', 'MessagingEntityNotFound'));
  const client = {
    createSender: () => ({ createMessageBatch: missing, close: async () => {} }),
    acceptSession: missing,
    close: async () => {},
  };
  const watch = {
    onLost: () => {},
    run: async (ask: () => Promise<unknown>) => ({ kind: 'done', value: await ask() }),
  };
  const connector = { isEmulator, createClient: () => ({ client, watch }) };
  return createTopologyKeeper({
    connector,
    endpoint: 'sb://here',
    prefix: '',
    toPath: (name: string) => name,
    topology: 'check',
    logger: SILENT,
  } as unknown as Parameters<typeof createTopologyKeeper>[0]);
}

it('names the control queue where it is missing, and the command that makes it', async () => {
  expect(entities).toHaveLength(1);
  await expect(keeperOf(false).ensure(entities)).rejects.toMatchObject({
    code: 'TOPOLOGY_MISMATCH',
    message:
      'The entities are not as declared. control: the queue does not exist. `QUORATE_TOPOLOGY=apply quorate start` creates them, by a process with the right to manage.',
  });
});

it('names no command at an emulator, where nothing is made', async () => {
  await expect(keeperOf(true).ensure(entities)).rejects.toMatchObject({
    code: 'TOPOLOGY_MISMATCH',
    message: 'The entities are not as declared. control: the queue does not exist.',
  });
});

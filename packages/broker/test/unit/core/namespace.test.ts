import { expect, test } from 'vitest';
import { createBroker, type Topology } from '../../../src/index.ts';

async function declared(...topologies: Topology[]): Promise<string[]> {
  const broker = await createBroker({ data: { memory: true }, port: 0 });
  try {
    for (const topology of topologies) await broker.declare(topology);
    return (await broker.status()).map(({ name }) => name);
  } finally {
    await broker.stop();
  }
}

test('declaring again updates and never removes', async () => {
  const names = await declared(
    { queues: [{ name: 'a' }], topics: [{ name: 't', subscriptions: [{ name: 's1' }] }] },
    {
      queues: [{ name: 'A', maxDeliveryCount: 3 }],
      topics: [{ name: 't', subscriptions: [{ name: 's2' }] }],
    },
  );
  expect(names).toEqual(['a', 't', 't/Subscriptions/s1', 't/Subscriptions/s2']);
});

test('a topology that cannot be is refused whole', async () => {
  const broker = await createBroker({ data: { memory: true }, port: 0 });
  const bad = { queues: [{ name: 'fine' }, { name: 'q', lockDuration: 'long' }], topics: [] };
  await expect(broker.declare(bad)).rejects.toMatchObject({ code: 'BROKER_TOPOLOGY_INVALID' });
  expect(await broker.status()).toEqual([]);
  await broker.stop();
});

test.each<[string, Topology]>([
  ['a lock longer than the service allows', { queues: [{ name: 'q', lockDuration: 'PT6M' }], topics: [] }],
  ['a duration that is none', { queues: [{ name: 'q', defaultMessageTimeToLive: '5 minutes' }], topics: [] }],
  ['a delivery limit of 0', { queues: [{ name: 'q', maxDeliveryCount: 0 }], topics: [] }],
  ['no name', { queues: [{ name: '' }], topics: [] }],
  ['a queue with the name of a topic', { queues: [{ name: 'x' }], topics: [{ name: 'X' }] }],
  ['sessions that change', { queues: [{ name: 'q' }, { name: 'q', requiresSession: true }], topics: [] }],
])('%s is refused by name', async (_, topology) => {
  await expect(declared(topology)).rejects.toMatchObject({ code: 'BROKER_TOPOLOGY_INVALID' });
});

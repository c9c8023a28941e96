// A drain: nothing new is taken, what runs is finished or handed back, no lock is held and no delivery is counted.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServiceBusClient } from '@azure/service-bus';
import { type Broker, createBroker } from 'quorate-broker';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toBrokerTopology } from '../../../src/bridge/topology/topology.ts';
import type { AgentContext } from '../../../src/contract/config.ts';
import { declareEntities } from '../../../src/contract/entities.ts';
import { app, startRuntime } from '../../kit/runtime.ts';

const entities = declareEntities({
  machineTypes: ['asker', 'counter'],
  logicTypes: [],
  actionTypes: [],
  agents: ['oracle'],
  lockDurationMs: 30_000,
  duplicateWindowMs: 600_000,
});
let broker: Broker;
let data: string;

beforeEach(async () => {
  broker = await createBroker({ data: { memory: true }, port: 0, topology: toBrokerTopology(entities, '') });
  data = await mkdtemp(join(tmpdir(), 'quorate-drain-'));
});
afterEach(async () => {
  await broker.stop();
  await rm(data, { recursive: true, force: true });
});

const config = (run: (question: string, context: AgentContext) => Promise<string>, drainMs: number) => ({
  machines: { asker: app('asker.machine.ts', 'asker'), counter: app('counter.machine.ts', 'counter') },
  agents: { oracle: { run } },
  connectionString: broker.connectionString,
  data,
  drainMs,
});
const never = (_: string, { signal }: AgentContext) =>
  new Promise<string>((_resolve, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error)),
  );

/** A plain client beside Quorate: sees what it left behind. */
function openClient(): AsyncDisposable & { readonly client: ServiceBusClient } {
  const client = new ServiceBusClient(broker.connectionString);
  return { client, [Symbol.asyncDispose]: () => client.close() };
}

describe('a drain', () => {
  it('hands back a task that outlives the grace: it can be taken at once, and was never counted', async () => {
    let begun = (): void => {};
    const running = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const test = await startRuntime(
      config((question, context) => {
        begun();
        return never(question, context);
      }, 50),
    );
    await test.runtime.client.start('asker', { id: 'a', input: { question: 'why' } as never });
    await test.runtime.client.start('counter', { id: 'c' });
    await running;
    await test.runtime.stop();

    await using outside = openClient();
    const { client } = outside;
    const receiver = client.createReceiver('agent.oracle');
    const [task] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 2_000 });
    expect(task).toMatchObject({ deliveryCount: 0, body: { kind: 'task', attempt: 1 } });
    await receiver.abandonMessage(task as NonNullable<typeof task>);
    for (const [queue, id] of [
      ['actor.asker', 'a'],
      ['actor.counter', 'c'],
    ] as const) {
      // A lock that is still held would refuse this.
      const session = await client.acceptSession(queue, id);
      expect(await session.peekMessages(10)).toMatchObject(
        queue === 'actor.asker' ? [{ state: 'scheduled' }] : [],
      );
      await session.close();
    }
  });

  it('leaves what was not taken as it was; the next host goes on', async () => {
    const first = await startRuntime(config(async (question) => `${question}!`, 1_000));
    const { client } = first.runtime;
    await client.start('counter', { id: 'c' });
    const sends = Array.from({ length: 300 }, () => client.send('counter', 'c', { type: 'add', by: 1 }));
    const stopped = Promise.all(sends.slice(0, 100)).then(() => first.runtime.stop());
    await Promise.allSettled([...sends, stopped]);
    await stopped;
    const accepted = (await Promise.allSettled(sends)).filter(({ status }) => status === 'fulfilled').length;

    {
      await using outside = openClient();
      const session = await outside.client.acceptSession('actor.counter', 'c');
      const left = await session.peekMessages(500);
      expect(left.filter(({ deliveryCount }) => (deliveryCount ?? 0) > 0)).toEqual([]);
      await session.close();
    }

    await using second = await startRuntime(config(async (question) => `${question}!`, 1_000));
    await expect
      .poll(async () => (await second.runtime.client.query('counter', 'c')).context)
      .toMatchObject({ count: accepted });
  });

  it('asked for twice is one drain, over for both at the same time', async () => {
    const test = await startRuntime(config(never, 50));
    await test.runtime.client.start('asker', { id: 'a', input: { question: 'why' } as never });
    let over = 0;
    const both = [test.runtime.stop(), test.runtime.stop()].map((stop) => stop.then(() => over++));
    await both[1];
    expect(over).toBeGreaterThan(0);
    await Promise.all(both);
    // Whoever is told that it is over finds the sessions free.
    await using outside = openClient();
    const { client } = outside;
    await (await client.acceptSession('actor.asker', 'a')).close();
    await test.runtime.stop();
  });
});

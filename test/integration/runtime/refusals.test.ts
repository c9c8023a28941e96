// What the broker refuses: a wrong key, a full store. And what anybody may hear: events on their topic.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServiceBusClient } from '@azure/service-bus';
import { createBroker } from 'quorate-broker';
import { describe, expect, it } from 'vitest';
import { toBrokerTopology } from '../../../src/bridge/topology/topology.ts';
import { connect } from '../../../src/client/connect.ts';
import { declareEntities, EVENTS } from '../../../src/contract/entities.ts';
import { app, startRuntime } from '../../kit/runtime.ts';

const machines = { counter: app('counter.machine.ts', 'counter') };
const entities = declareEntities({
  machineTypes: ['counter', 'breaker'],
  logicTypes: ['breaker'],
  actionTypes: ['breaker'],
  agents: [],
  lockDurationMs: 30_000,
  duplicateWindowMs: 600_000,
});

describe('a wrong key', () => {
  it('is one clear error, for a host and for each call of a client', async () => {
    const broker = await createBroker({
      data: { memory: true },
      port: 0,
      topology: toBrokerTopology(entities, ''),
    });
    const connectionString = broker.connectionString.replace(
      /SharedAccessKey=[^;]+/,
      'SharedAccessKey=d3Jvbmc=',
    );
    try {
      await expect(startRuntime({ machines, connectionString })).rejects.toMatchObject({
        code: 'UNAUTHORIZED',
      });
      const client = await connect({ connectionString, env: {} });
      try {
        const call = { timeoutMs: 20_000 };
        await expect(client.send('counter', 'c', { type: 'add' })).rejects.toMatchObject({
          code: 'UNAUTHORIZED',
        });
        await expect(client.query('counter', 'c', call)).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
      } finally {
        await client.close();
      }
    } finally {
      await broker.stop();
    }
  });
});

describe('an unknown type', () => {
  it('is said by its name to a client that knows no configuration', async () => {
    const broker = await createBroker({
      data: { memory: true },
      port: 0,
      topology: toBrokerTopology(entities, ''),
    });
    const client = await connect({ connectionString: broker.connectionString, env: {} });
    try {
      const unknown = {
        code: 'MACHINE_NOT_FOUND',
        message: expect.stringContaining("no machine type 'nothing'"),
      };
      await expect(client.query('nothing', 'x', { timeoutMs: 20_000 })).rejects.toMatchObject(unknown);
      await expect(client.send('nothing', 'x', { type: 'y' })).rejects.toMatchObject(unknown);
      await expect(client.actors.list('nothing')).rejects.toMatchObject(unknown);
    } finally {
      await client.close();
      await broker.stop();
    }
  });
});

describe('a full store', () => {
  it('refuses sends with QUOTA_EXCEEDED; what was acknowledged is there after a restart, and is applied', async () => {
    const data = await mkdtemp(join(tmpdir(), 'quorate-full-'));
    let accepted = 0;
    try {
      {
        await using first = await startRuntime({ machines, data });
        await first.runtime.client.start('counter', { id: 'c' });
      }
      {
        // Nobody takes what is sent here.
        await using idle = await startRuntime({ machines, data, roles: ['agents'], maxPages: 600 });
        const fill = async (): Promise<void> => {
          for (let n = 0; n < 500; n++) {
            const event = { type: 'add', by: 1, pad: 'x'.repeat(20_000) };
            await idle.runtime.client.send('counter', 'c', event);
            accepted++;
          }
        };
        await expect(fill()).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED' });
      }
      expect(accepted).toBeGreaterThan(10);
      await using again = await startRuntime({ machines, data });
      await expect
        .poll(async () => (await again.runtime.client.query('counter', 'c')).context)
        .toMatchObject({ count: accepted });
    } finally {
      await rm(data, { recursive: true, force: true });
    }
  });
});

describe('an emitted event', () => {
  it('reaches whoever subscribes to the topic, with its type as a property to filter on', async () => {
    const topology = toBrokerTopology(entities, '');
    const subscription = {
      name: 'audit',
      rules: [
        {
          name: 'added',
          filter: { kind: 'correlation' as const, applicationProperties: { 'quorate-event': 'added' } },
        },
      ],
    };
    const broker = await createBroker({
      data: { memory: true },
      port: 0,
      topology: {
        ...topology,
        topics: topology.topics.map((topic) =>
          topic.name === EVENTS ? { ...topic, subscriptions: [subscription] } : topic,
        ),
      },
    });
    const data = await mkdtemp(join(tmpdir(), 'quorate-events-'));
    const outside = new ServiceBusClient(broker.connectionString);
    try {
      await using test = await startRuntime({
        machines: { breaker: app('breaker.machine.ts', 'breaker') },
        connectionString: broker.connectionString,
        data,
      });
      const { client } = test.runtime;
      await client.start('breaker', { id: 'b' });
      for (let n = 0; n < 3; n++) await client.send('breaker', 'b', { type: 'add' });
      const receiver = outside.createReceiver(EVENTS, 'audit');
      const received: unknown[] = [];
      while (received.length < 3) {
        const messages = await receiver.receiveMessages(3, { maxWaitTimeInMs: 5_000 });
        if (messages.length === 0) break;
        for (const message of messages) {
          received.push(message.body);
          await receiver.completeMessage(message);
        }
      }
      expect(received).toEqual(
        [2, 3, 4].map((turn) => ({ kind: 'emitted', actor: 'breaker/b', turn, event: { type: 'added' } })),
      );
    } finally {
      await outside.close();
      await broker.stop();
      await rm(data, { recursive: true, force: true });
    }
  });
});

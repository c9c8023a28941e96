// Deliveries that ended with the broker count like those whose locks ran out.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServiceBusReceivedMessage, ServiceBusReceiver } from '@azure/service-bus';
import { expect, onTestFinished, test } from 'vitest';
import { type Broker, createBroker } from '../../src/index.ts';
import { HandOuts, readHandOuts } from '../../src/store/hand-outs.ts';
import { testClient } from './kit.ts';

function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'broker-hand-outs-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const topology = {
  queues: [{ name: 'q', maxDeliveryCount: 3 }, { name: 'many' }],
  topics: [],
};

/** What one client does with one broker, which then ends. */
async function during<T>(data: string, use: (queue: Client) => Promise<T>): Promise<T> {
  const broker = await createBroker({ data, port: 0, topology });
  try {
    return await use(clientOf(broker, 'q'));
  } finally {
    await broker.stop();
  }
}

interface Client {
  readonly send: (...bodies: string[]) => Promise<void>;
  readonly take: () => Promise<ServiceBusReceivedMessage>;
  readonly receiver: ServiceBusReceiver;
  readonly dead: ServiceBusReceiver;
}

function clientOf(broker: Broker, name: string): Client {
  const client = testClient(broker);
  const receiver = client.createReceiver(name);
  return {
    send: (...bodies) => client.createSender(name).sendMessages(bodies.map((body) => ({ body }))),
    take: async () => {
      const [message] = await receiver.receiveMessages(1);
      if (!message) throw new Error('there is no message');
      return message;
    },
    receiver,
    dead: client.createReceiver(name, { subQueueType: 'deadLetter' }),
  };
}

test('a message in hand when the broker ends has one more delivery, until it is a dead letter', async () => {
  const data = dataFolder();
  await during(data, async ({ send }) => send('begun', 'waiting'));
  for (const count of [0, 1, 2])
    expect(await during(data, ({ take }) => take())).toMatchObject({ body: 'begun', deliveryCount: count });
  await during(data, async ({ take, dead }) => {
    expect(await take()).toMatchObject({ body: 'waiting', deliveryCount: 0 });
    expect(await dead.receiveMessages(1)).toMatchObject([
      { body: 'begun', deliveryCount: 3, deadLetterReason: 'MaxDeliveryCountExceeded' },
    ]);
  });
});

test('what was settled counts as its settlement says', async () => {
  const data = dataFolder();
  const deferred = await during(data, async ({ send, take, receiver }) => {
    await send('completed', 'deferred', 'abandoned');
    await receiver.completeMessage(await take());
    const second = await take();
    await receiver.deferMessage(second);
    await receiver.abandonMessage(await take());
    return second.sequenceNumber;
  });
  if (deferred === undefined) throw new Error('it has no number');
  const fetch = ({ receiver }: Client) => receiver.receiveDeferredMessages(deferred);
  await during(data, async (client) => {
    expect(await fetch(client)).toMatchObject([{ body: 'deferred', deliveryCount: 1 }]);
    expect(await client.take()).toMatchObject({ body: 'abandoned', deliveryCount: 1 });
  });
  await during(data, async (client) => {
    expect(await fetch(client)).toMatchObject([{ body: 'deferred', deliveryCount: 2 }]);
    expect(await client.take()).toMatchObject({ body: 'abandoned', deliveryCount: 2 });
    expect(await client.receiver.peekMessages(10, { fromSequenceNumber: deferred })).toHaveLength(2);
  });
});

test('the log stays short, and keeps what is in hand', async () => {
  const data = dataFolder();
  const held = [{ entity: 7, seq: 2 ** 41, deliveryCount: 4 }];
  const log = new HandOuts(data, () => held);
  for (let seq = 1; seq <= 150_000; seq += 1) log.out({ entity: 1, seq, deliveryCount: 0 });
  log.out({ entity: 2, seq: 1, deliveryCount: 1 });
  log.out({ entity: 3, seq: 1, deliveryCount: 1 });
  log.back({ entity: 3, seq: 1 });
  log.close();
  const kept = readHandOuts(data);
  expect(kept.length).toBeLessThan(70_000);
  expect(kept).toContainEqual(held[0]);
  expect(kept.at(-1)).toEqual({ entity: 2, seq: 1, deliveryCount: 1 });
});

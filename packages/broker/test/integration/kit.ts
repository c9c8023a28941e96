import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { ServiceBusClient } from '@azure/service-bus';
import { onTestFinished } from 'vitest';
import {
  type Broker,
  createBroker,
  type LocalBrokerOptions,
  type QueueDescription,
  type Topology,
} from '../../src/index.ts';
import { VirtualClock } from '../kit/virtual-clock.ts';

export { VirtualClock };

// The client leaves Nagle's algorithm on; with delayed acknowledgements every round trip would take 40 ms.
subscribe('net.client.socket', (message) => (message as { socket: Socket }).socket.setNoDelay(true));

/** Tests that leap over days mean to find their links where they were. */
const NEVER_IDLE = {
  linkMs: Number.POSITIVE_INFINITY,
  connectionMs: Number.POSITIVE_INFINITY,
  firstLinkMs: Number.POSITIVE_INFINITY,
};

/** A broker in this thread that keeps nothing, gone with the test. */
export async function testBroker(options: Partial<LocalBrokerOptions> = {}): Promise<Broker> {
  const broker = await createBroker({ data: { memory: true }, port: 0, idle: NEVER_IDLE, ...options });
  onTestFinished(() => broker.stop());
  return broker;
}

/** The real client, gone with the test. */
export function testClient(
  broker: Broker,
  connectionString = broker.connectionString,
  timeoutInMs = 10_000,
): ServiceBusClient {
  const client = new ServiceBusClient(connectionString, { retryOptions: { timeoutInMs, maxRetries: 0 } });
  onTestFinished(async () => {
    await client.close();
  });
  return client;
}

/** Until the broker has committed and written what a clock step set off. */
export async function settled(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 100));
}

export function queues(...described: QueueDescription[]): { topology: Topology } {
  return { topology: { queues: described, topics: [] } };
}

// The client beside the attacks: a message there and back at a steady pace, with the SDK as an application uses it.
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { ServiceBusClient, type ServiceBusReceivedMessage } from '@azure/service-bus';
import { PROBE_QUEUE, type ProbeResult } from './protocol.ts';

// The SDK leaves Nagle's algorithm on; with delayed acknowledgements that is 40 ms for every small frame that follows another.
subscribe('net.client.socket', (message) => (message as { socket: Socket }).socket.setNoDelay(true));

const PACE_MS = 10;
const LATE_MS = 20_000;
const [, , connectionString = ''] = process.argv;
const client = new ServiceBusClient(connectionString, { retryOptions: { maxRetries: 0 } });
const sender = client.createSender(PROBE_QUEUE);
const receiver = client.createReceiver(PROBE_QUEUE);
const waiting = new Map<unknown, (message: ServiceBusReceivedMessage) => void>();
let errors: string[] = [];
let count = 0;

receiver.subscribe(
  {
    processMessage: async (message) => waiting.get(message.body)?.(message),
    processError: async ({ error }) => void errors.push(error.message),
  },
  { autoCompleteMessages: false },
);

process.on('message', (ms: number) => {
  void measure(ms).then((result) => process.send?.(result));
});

async function measure(ms: number): Promise<ProbeResult> {
  const rounds: number[] = [];
  errors = [];
  for (const end = performance.now() + ms; performance.now() < end; ) {
    const start = performance.now();
    try {
      await round();
      rounds.push(performance.now() - start);
    } catch (error) {
      errors.push(String(error));
    }
    await sleep(Math.max(0, start + PACE_MS - performance.now()));
  }
  return { rounds, errors };
}

async function round(): Promise<void> {
  count += 1;
  const body = count;
  const came = new Promise<ServiceBusReceivedMessage>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`round ${body} did not come back`)), LATE_MS);
    waiting.set(body, (message) => {
      clearTimeout(late);
      waiting.delete(body);
      resolve(message);
    });
  });
  came.catch(() => {});
  await sender.sendMessages({ body });
  await receiver.completeMessage(await came);
}

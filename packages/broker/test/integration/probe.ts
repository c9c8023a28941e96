/** A real client beside an attack: it sends, receives and completes all the while, and nothing of it may fail. */
import { onTestFinished } from 'vitest';
import type { Broker } from '../../src/index.ts';
import { testClient } from './kit.ts';

export interface Probe {
  /** Ends it and gives how many round trips it made; throws what went wrong. */
  stop(): Promise<number>;
  /** Waits for so many more round trips. */
  rounds(count: number): Promise<void>;
}

export const PROBE_QUEUE = 'probe';

export function probe(broker: Broker, connectionString = broker.connectionString): Probe {
  const client = testClient(broker, connectionString);
  const sender = client.createSender(PROBE_QUEUE);
  const receiver = client.createReceiver(PROBE_QUEUE);
  const watch = { stopped: false };
  let done = 0;
  const waiting = new Set<{ at: number; resolve: () => void }>();
  const round = async () => {
    const body = `round ${done}`;
    await sender.sendMessages({ body });
    const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 10_000 });
    if (message?.body !== body) throw new Error(`'${body}' came back as '${String(message?.body)}'`);
    await receiver.completeMessage(message);
    done += 1;
    for (const one of waiting) if (done >= one.at) one.resolve();
  };
  const running = (async () => {
    while (!watch.stopped) await round();
  })();
  const failed = running.then(() => {});
  failed.catch(() => {});
  onTestFinished(() => {
    watch.stopped = true;
  });
  return {
    async stop() {
      watch.stopped = true;
      await running;
      return done;
    },
    rounds: (count) =>
      Promise.race([failed, new Promise<void>((resolve) => waiting.add({ at: done + count, resolve }))]),
  };
}

// The process that makes the load: a client as another service embeds one.
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { ServiceBusClient } from '@azure/service-bus';
import { connect } from 'quorate';
import { readBrokerRecord } from 'quorate/broker';
import { inFlight } from '../../packages/broker/bench/broker/work/messages.ts';
import { OUTPUTS, RAW_QUEUE } from './entities.ts';
import { serveJobs } from './jobs.ts';
import type { LoadJobs } from './load.ts';
import { timed } from './load-timed.ts';

// As src/bridge/connection/sockets.ts does it.
subscribe('net.client.socket', (message) => (message as { socket: Socket }).socket.setNoDelay(true));

const [, , data = ''] = process.argv;
const AT_ONCE = 500;
const STARTS_AT_ONCE = 64;

const client = await connect({ data, env: {} });
const raw = new ServiceBusClient(readBrokerRecord(data)?.connectionString ?? '');
const rawSender = raw.createSender(RAW_QUEUE);
const now = (): number => performance.timeOrigin + performance.now();

/** Outputs that somebody waits for, by id. */
const waiting = new Map<string, () => void>();
let listening: { close(): Promise<void> } | undefined;

const jobs: LoadJobs = {
  ready: async () => null,
  async start(prefix, count) {
    const at = now();
    await inFlight(STARTS_AT_ONCE, count, (index) => client.start('relay', { id: `${prefix}${index}` }));
    return at;
  },
  async startNamed(ids) {
    await inFlight(STARTS_AT_ONCE, ids.length, (index) => client.start('relay', { id: ids[index] ?? '' }));
    return null;
  },
  async startMany(prefix, from, count) {
    await inFlight(STARTS_AT_ONCE, count, (index) =>
      client.start('relay', { id: `${prefix}${from + index}` }),
    );
    return null;
  },
  async traffic(prefix, actors, perSecond, seconds) {
    const beganAt = performance.now();
    for (let number = 0; number < perSecond * seconds; number++) {
      await sleep(Math.max(0, beganAt + (number * 1000) / perSecond - performance.now()));
      void client.send('relay', `${prefix}${number % actors}`, { type: 'work', id: `${number}` });
    }
    return null;
  },
  async work(prefix, actors, count) {
    await inFlight(AT_ONCE, count, (index) =>
      client.send('relay', `${prefix}${index % actors}`, { type: 'work', id: `${index}` }),
    );
    return null;
  },
  async bounce(prefix, balls, times) {
    const play = (index: number, from: string, to: string): Promise<void> =>
      client.send('relay', `${prefix}${index}${to}`, {
        type: 'bounce',
        left: times - 1,
        from: `${prefix}${index}${from}`,
        to: `${prefix}${index}${to}`,
      });
    await inFlight(AT_ONCE, balls, (index) => play(index, 'a', 'b'));
    return null;
  },
  async rawWork(sessions, count) {
    for (let from = 0; from < count; from += AT_ONCE) {
      const size = Math.min(AT_ONCE, count - from);
      await rawSender.sendMessages(
        Array.from({ length: size }, (_, at) => rawMessage(`w${(from + at) % sessions}`, { kind: 'work' })),
      );
    }
    return null;
  },
  async rawBounce(balls, times) {
    await rawSender.sendMessages(
      Array.from({ length: balls }, (_, at) => rawMessage(`b${at}`, { kind: 'bounce', left: times - 1 })),
    );
    return null;
  },
  async rawStart(prefix, count) {
    const at = now();
    await inFlight(STARTS_AT_ONCE, count, (index) =>
      rawSender.sendMessages(rawMessage(`${prefix}${index}`, { kind: 'work' })),
    );
    return at;
  },
  steps: (actors, count, width) =>
    timed(width, count, async (index) => {
      listening ??= listen();
      const id = `${process.pid}-${index}-${Math.random()}`;
      const answered = new Promise<void>((resolve) => void waiting.set(id, resolve));
      await client.send('relay', `k${index % actors}`, { type: 'work', id });
      await answered;
    }),
  sagas: (prefix, count, width) => timed(width, count, (index) => call('five', `${prefix}${index}`, null)),
  scatters: (prefix, items, count, width) =>
    timed(width, count, async (index) => {
      const output = await call('hundred', `${prefix}${index}`, {
        items: Array.from({ length: items }, (_, at) => at),
      });
      const { ok } = output as { readonly ok: number };
      if (ok !== items) throw new Error(`${ok} of ${items} tasks were answered`);
    }),
};

function call(type: string, id: string, input: unknown): Promise<unknown> {
  return client.run(type, { id, input: input as never });
}

function listen(): { close(): Promise<void> } {
  const receiver = raw.createReceiver('events', OUTPUTS, { receiveMode: 'receiveAndDelete' });
  return receiver.subscribe(
    {
      processMessage: async ({ body }) => {
        const { id } = (body as { readonly event: { readonly id: string } }).event;
        waiting.get(id)?.();
        waiting.delete(id);
      },
      processError: async ({ error }) => console.error(String(error)),
    },
    { maxConcurrentCalls: 200 },
  );
}

let lastRaw = 0;

function rawMessage(sessionId: string, body: object) {
  lastRaw += 1;
  return { sessionId, body, messageId: `${process.pid}-${lastRaw}` };
}

serveJobs(jobs);

// The raw loop: sessions with the SDK as the runtime uses it, and nothing but receive, set state, publish, complete. No
// machine, no lease, no outbox, no inbox; what came together is one state write and one batch.
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ServiceBusClient,
  type ServiceBusReceivedMessage,
  type ServiceBusSessionReceiver,
} from '@azure/service-bus';
import { readBrokerRecord } from 'quorate/broker';
import { RAW_QUEUE } from './entities.ts';
import { serveJobs } from './jobs.ts';
import type { RawJobs } from './raw.ts';

// As src/bridge/connection/sockets.ts does it.
subscribe('net.client.socket', (message) => (message as { socket: Socket }).socket.setNoDelay(true));

const [, , data = '', sessions = '100'] = process.argv;
const MAX_SESSIONS = Number(sessions);
const ACCEPTS = 16;
const WINDOW = 64;
const IDLE_MS = 400;
const LOOK_EVERY_MS = 2;
/** About what the state of a small actor weighs. */
const STATE = { text: 'x'.repeat(600) };

const client = new ServiceBusClient(readBrokerRecord(data)?.connectionString ?? '', {
  retryOptions: { maxRetries: 0, timeoutInMs: 30_000 },
});
const outputs = client.createSender('events');
const own = client.createSender(RAW_QUEUE);
const counts = { applied: 0, held: 0, sent: 0 };

const jobs: RawJobs = {
  ready: async () => null,
  applied: async () => counts.applied,
  async untilApplied(count) {
    while (counts.applied < count) await sleep(LOOK_EVERY_MS);
    return performance.timeOrigin + performance.now();
  },
};

async function accept(): Promise<void> {
  for (;;) {
    while (counts.held >= MAX_SESSIONS) await sleep(LOOK_EVERY_MS);
    counts.held += 1;
    const session = await client
      .acceptNextSession(RAW_QUEUE, { maxAutoLockRenewalDurationInMs: 0 })
      .catch(() => undefined);
    if (session === undefined) counts.held -= 1;
    else void hold(session).finally(() => (counts.held -= 1));
  }
}

async function hold(session: ServiceBusSessionReceiver): Promise<void> {
  await session.getSessionState();
  const intake: { raw: ServiceBusReceivedMessage; done: () => void }[] = [];
  let wake = (): void => {};
  session.subscribe(
    {
      processMessage: (raw) =>
        new Promise((done) => {
          intake.push({ raw, done });
          setImmediate(() => wake());
        }),
      processError: async () => {},
    },
    { autoCompleteMessages: false, maxConcurrentCalls: WINDOW },
  );
  for (;;) {
    if (intake.length === 0) {
      const more = new Promise<boolean>((resolve) => {
        wake = () => resolve(true);
        // With every place taken, whoever has nothing to do makes room.
        setTimeout(resolve, counts.held >= MAX_SESSIONS ? 0 : IDLE_MS, false);
      });
      if (!(await more)) break;
    }
    const taken = intake.splice(0);
    if (taken.length === 0) continue;
    await session.setSessionState(STATE);
    await publish(
      session.sessionId,
      taken.map(({ raw }) => raw.body as Body),
    );
    counts.applied += taken.length;
    void Promise.all(
      taken.map(async ({ raw, done }) => {
        await session.completeMessage(raw);
        done();
      }),
    );
  }
  await session.close();
}

interface Body {
  readonly kind: 'work' | 'bounce';
  readonly left?: number;
}

async function publish(sessionId: string, bodies: readonly Body[]): Promise<void> {
  const messageId = (): string => `${process.pid}-${++counts.sent}`;
  const work = bodies.filter(({ kind }) => kind === 'work');
  if (work.length > 0) await outputs.sendMessages(work.map((body) => ({ body, messageId: messageId() })));
  for (const { kind, left = 0 } of bodies)
    if (kind === 'bounce' && left > 0)
      await own.sendMessages({ sessionId, messageId: messageId(), body: { kind, left: left - 1 } });
}

serveJobs(jobs);
await Promise.all(Array.from({ length: ACCEPTS }, accept));

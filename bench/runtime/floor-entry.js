// The floor of a host's memory: the bare SDK with as many sessions, which plays the same balls, and nothing of Quorate. It receives,
// writes a state, sends the ball on, completes. Plain JavaScript, because its memory is measured.
// Arguments: connection string, queue, sessions held at once.
import { subscribe } from 'node:diagnostics_channel';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { ServiceBusClient } from '@azure/service-bus';

// As src/bridge/connection/sockets.ts does it.
subscribe('net.client.socket', ({ socket }) => socket.setNoDelay(true));

const [, , connectionString, queue, sessions] = process.argv;
const ACCEPTS = 16;
const LOOK_EVERY_MS = 2;
/** About what the state of a small actor weighs. */
const STATE = { text: 'x'.repeat(600) };

/** As the runtime has. The SDK looks through every session of a connection after each frame: a thousand on one lose their locks. */
const SESSIONS_PER_CLIENT = 100;

const clients = Array.from(
  { length: Math.ceil(Number(sessions) / SESSIONS_PER_CLIENT) },
  () => new ServiceBusClient(connectionString, { retryOptions: { maxRetries: 0, timeoutInMs: 30_000 } }),
);
const sender = clients[0].createSender(queue);
const counts = { applied: 0, held: 0 };

async function accept() {
  while (counts.held < Number(sessions)) {
    const client = clients[counts.held % clients.length];
    counts.held += 1;
    const session = await client.acceptNextSession(queue).catch(() => undefined);
    if (session === undefined) counts.held -= 1;
    else await hold(session).catch((error) => console.error('hold', String(error)));
  }
}

async function hold(session) {
  await session.getSessionState();
  session.subscribe(
    {
      processMessage: async (message) => {
        await session.setSessionState(STATE);
        const { left } = message.body;
        if (left > 0)
          await sender.sendMessages({
            sessionId: partnerOf(session.sessionId),
            messageId: `${session.sessionId}-${left}`,
            body: { left: left - 1 },
          });
        await session.completeMessage(message);
        counts.applied += 1;
      },
      processError: async ({ error }) => console.error(String(error)),
    },
    { autoCompleteMessages: false, maxConcurrentCalls: 64 },
  );
}

/** Two play with each ball. */
function partnerOf(id) {
  return id.endsWith('+') ? id.slice(0, -1) : `${id}+`;
}

const jobs = {
  ready: async () => null,
  applied: async () => counts.applied,
  async untilApplied(count) {
    while (counts.applied < count) await sleep(LOOK_EVERY_MS);
    return performance.timeOrigin + performance.now();
  },
};
process.on('message', ({ id, job, args }) => {
  jobs[job](...args).then(
    (result) => process.send?.({ kind: 'done', id, result }),
    (error) => process.send?.({ kind: 'failed', id, why: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
await Promise.all(Array.from({ length: ACCEPTS }, accept));

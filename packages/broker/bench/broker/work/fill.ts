// Puts messages where other works find them.
import { RECEIVE_QUEUE, SESSION_QUEUE } from '../entities.ts';
import type { Server, Work } from '../work.ts';
import { BATCH, inFlight, nextMessage } from './messages.ts';

const IN_FLIGHT = 8;
const REPORT_EVERY = 10_000;

async function fillQueue(
  { client }: Server,
  queue: string,
  count: number,
  sessionOf?: (index: number) => string,
  progress: (done: number) => void = () => {},
): Promise<number> {
  const sender = client.createSender(queue);
  let sent = 0;
  const seconds = await inFlight(IN_FLIGHT, Math.ceil(count / BATCH), async (index) => {
    const size = Math.min(BATCH, count - index * BATCH);
    await sender.sendMessages(
      Array.from({ length: size }, (_, at) => nextMessage(sessionOf?.(index * BATCH + at))),
    );
    sent += size;
    if (sent % REPORT_EVERY === 0) progress(sent);
  });
  await sender.close();
  return seconds;
}

let runs = 0;

export const fill: Work = (server, count, progress) =>
  fillQueue(server, RECEIVE_QUEUE, count, undefined, progress);

/** As many sessions as messages. */
export const fillSessions: Work = (server, count, progress) => {
  const run = ++runs;
  return fillQueue(server, SESSION_QUEUE, count, (index) => `${process.pid}-${run}-${index}`, progress);
};

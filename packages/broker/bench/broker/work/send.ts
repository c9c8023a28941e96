// One message a call, 50 calls in flight; each is acknowledged when it is on disk.
import { SEND_QUEUE } from '../entities.ts';
import type { Work } from '../work.ts';
import { inFlight, nextMessage } from './messages.ts';

const IN_FLIGHT = 50;

export const send: Work = async ({ client }, count) => {
  const sender = client.createSender(SEND_QUEUE);
  await sender.sendMessages(nextMessage());
  const seconds = await inFlight(IN_FLIGHT, count, () => sender.sendMessages(nextMessage()));
  await sender.close();
  return seconds;
};

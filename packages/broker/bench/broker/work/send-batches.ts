// `sendMessages` of 100 messages, a few calls in flight; an operation is a message.
import { BATCH_QUEUE } from '../entities.ts';
import type { Work } from '../work.ts';
import { BATCH, inFlight, nextMessage, nextMessages } from './messages.ts';

const IN_FLIGHT = 8;

export const sendBatches: Work = async ({ client }, count) => {
  const sender = client.createSender(BATCH_QUEUE);
  await sender.sendMessages(nextMessage());
  const seconds = await inFlight(IN_FLIGHT, count / BATCH, () => sender.sendMessages(nextMessages(BATCH)));
  await sender.close();
  return seconds;
};

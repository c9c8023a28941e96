// Send one, receive one, complete it, on a few links at a time.
import { RECEIVE_QUEUE } from '../entities.ts';
import type { Work } from '../work.ts';
import { inFlight, nextMessage } from './messages.ts';

const LINKS = 8;
const WAIT_MS = 5_000;

export const roundTrip: Work = async ({ client }, count) => {
  const sender = client.createSender(RECEIVE_QUEUE);
  const receivers = Array.from({ length: LINKS }, () => client.createReceiver(RECEIVE_QUEUE));
  const once = async (index: number): Promise<void> => {
    const receiver = receivers[index % LINKS];
    await sender.sendMessages(nextMessage());
    const [message] = (await receiver?.receiveMessages(1, { maxWaitTimeInMs: WAIT_MS })) ?? [];
    if (message === undefined) throw new Error('nothing came back');
    await receiver?.completeMessage(message);
  };
  // Opens the links. A receiver receives one at a time, so each lane keeps to its own.
  await inFlight(LINKS, LINKS, once);
  const seconds = await inFlight(LINKS, LINKS, async (link) => {
    for (let index = link; index < count; index += LINKS) await once(index);
  });
  await Promise.all([sender, ...receivers].map((link) => link.close()));
  return seconds;
};

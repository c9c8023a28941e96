// A disposition as the SDK's calls, so that each message gets its own.
import type { ServiceBusReceivedMessage, ServiceBusReceiver } from '@azure/service-bus';
import type { Disposition } from '../contract/ports.ts';
import { PROPERTY } from '../contract/wire.ts';
import { immediate } from './waiting.ts';

/** What Service Bus takes for a reason and for a description; longer texts fail the settlement. */
const LONGEST_TEXT = 4_096;

/** By link: the settlement that shares its tick with no other. */
const exclusive = new WeakMap<ServiceBusReceiver, Promise<unknown>>();

/**
 * rhea 3.0.5 writes neighbours that are settled in one tick as one range with the outcome of the first (`session.js`,
 * write_dispositions): a dead letter beside a completed message was completed, and lost. Completes may share a tick, for
 * they are all alike; everything else goes alone (docs/decisions/0009).
 */
export async function settleWith(
  receiver: ServiceBusReceiver,
  raw: ServiceBusReceivedMessage,
  disposition: Disposition,
): Promise<void> {
  for (let other = exclusive.get(receiver); other !== undefined; other = exclusive.get(receiver)) await other;
  if (disposition.kind === 'complete') return receiver.completeMessage(raw);
  const settled = (async () => {
    // What was settled before in this tick is written first.
    await immediate();
    await settleAlone(receiver, raw, disposition);
  })();
  exclusive.set(
    receiver,
    settled.catch(() => {}).then(() => exclusive.delete(receiver)),
  );
  return settled;
}

function settleAlone(
  receiver: ServiceBusReceiver,
  raw: ServiceBusReceivedMessage,
  disposition: Exclude<Disposition, { kind: 'complete' }>,
): Promise<void> {
  if (disposition.kind === 'defer') return receiver.deferMessage(raw);
  return receiver.deadLetterMessage(raw, {
    deadLetterReason: disposition.reason.slice(0, LONGEST_TEXT),
    deadLetterErrorDescription: disposition.description.slice(0, LONGEST_TEXT),
    ...(disposition.handled === true ? { [PROPERTY.handled]: true } : {}),
  });
}

// A disposition as the SDK's calls.
import type { ServiceBusReceivedMessage, ServiceBusReceiver } from '@azure/service-bus';
import type { Disposition } from '../contract/ports.ts';

/** What Service Bus takes for a reason and for a description; longer texts fail the settlement. */
const LONGEST_TEXT = 4_096;

export function settleWith(
  receiver: ServiceBusReceiver,
  raw: ServiceBusReceivedMessage,
  disposition: Disposition,
): Promise<void> {
  if (disposition.kind === 'complete') return receiver.completeMessage(raw);
  if (disposition.kind === 'defer') return receiver.deferMessage(raw);
  return receiver.deadLetterMessage(raw, {
    deadLetterReason: disposition.reason.slice(0, LONGEST_TEXT),
    deadLetterErrorDescription: disposition.description.slice(0, LONGEST_TEXT),
  });
}

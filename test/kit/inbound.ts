// Messages as the bridge would hand them over, for unit tests of what receives them.
import type { Json } from '../../src/contract/json.ts';
import type { InboundMessage } from '../../src/contract/wire.ts';

let next = 1;

export function inbound(subject: string, body: Json, more: Partial<InboundMessage> = {}): InboundMessage {
  const sequenceNumber = next++;
  return {
    messageId: `m${sequenceNumber}`,
    subject,
    body,
    properties: {},
    sequenceNumber,
    deliveryCount: 0,
    enqueuedAt: 0,
    ...more,
  };
}

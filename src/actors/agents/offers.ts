// Offers lie in a separate queue, where the broker's time to live ends them (I10: never in an actor's inbox). A host that
// takes an offer in time hands it on to the asker. An offer that lapsed comes back as an error through the dead-letter queue.
import { toErrorJson } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import type { Payloads } from '../../contract/payload.ts';
import type { Bridge, Disposition } from '../../contract/ports.ts';
import type { InboundMessage } from '../../contract/wire.ts';
import { PROPERTY, WIRE_FORMAT } from '../../contract/wire.ts';
import type { Cancellations } from '../protocol/cancellations.ts';
import { claimingPublish, isUnreadable, openClaims, removeClaims } from '../protocol/claims.ts';
import { hashId, withoutLife } from '../protocol/ids.ts';
import { marksOfWork } from '../protocol/lineage.ts';
import { parseOfferBody } from '../protocol/messages.ts';

export interface OfferHost {
  readonly bridge: Pick<Bridge, 'publish'>;
  readonly payloads: Payloads;
  readonly cancellations: Pick<Cancellations, 'isCancelled'>;
}

export function createOfferHandler({
  bridge,
  payloads,
  cancellations,
}: OfferHost): (message: InboundMessage) => Promise<Disposition> {
  const publish = claimingPublish(bridge, payloads);
  return async (message) => {
    let opened: InboundMessage;
    try {
      opened = await openClaims(message, payloads);
    } catch (thrown) {
      const error = toErrorJson(thrown, 'INTERNAL');
      if (!isUnreadable(error.code)) throw thrown;
      return { kind: 'deadLetter', reason: error.code, description: error.message };
    }
    const parsed = parseOfferBody(opened);
    const { replyTo, replyToSessionId } = message;
    if (!parsed.ok) return { kind: 'deadLetter', reason: 'INPUT_INVALID', description: parsed.why };
    if (replyTo === undefined || replyToSessionId === undefined) {
      return { kind: 'deadLetter', reason: 'INPUT_INVALID', description: 'the offer names nobody to go to' };
    }
    const { execution, branch, value, expiresAt } = parsed.body;
    if (await cancellations.isCancelled(marksOfWork(message, execution))) return { kind: 'complete' };
    const outcome: Json = { status: 'done', output: value };
    await publish([
      {
        entity: replyTo,
        sessionId: replyToSessionId,
        subject: 'reply',
        messageId: hashId('offer', message.messageId),
        properties: { [PROPERTY.format]: WIRE_FORMAT, [PROPERTY.execution]: withoutLife(execution) },
        ...(message.traceparent === undefined ? {} : { traceparent: message.traceparent }),
        body: { kind: 'reply', execution, ...(branch === null ? {} : { branch }), outcome, expiresAt },
      },
    ]);
    await removeClaims(message, payloads).catch(() => {});
    return { kind: 'complete' };
  };
}

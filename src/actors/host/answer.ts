// Answers of the host itself, sent to the asker's reply session.
import { type ActorAddress, formatAddress } from '../../contract/address.ts';
import type { ReplyAddress } from '../../contract/effect.ts';
import type { Json } from '../../contract/json.ts';
import type { ErrorJson } from '../../contract/outcome.ts';
import type { AnswerBody, InboundMessage, WireMessage } from '../../contract/wire.ts';
import { PROPERTY, WIRE_FORMAT } from '../../contract/wire.ts';
import { ANSWER_TTL_MS } from '../protocol/answers.ts';
import { answerMessageId } from '../protocol/ids.ts';
import type { OutboxEntry } from './session-state.ts';

export function notFound(message: InboundMessage, asker: ReplyAddress, actor: ActorAddress): OutboxEntry {
  return answer(message, asker, { kind: 'answer', answer: 'error', error: absent(actor) });
}

export function absent(actor: ActorAddress): ErrorJson {
  const message = `no actor ${formatAddress(actor)}: it was never started, or is forgotten`;
  return { code: 'ACTOR_NOT_FOUND', message };
}

/** Answers have ids that follow from the request's, so a repeated request is answered once. */
export function answer(request: InboundMessage, to: ReplyAddress, body: AnswerBody): OutboxEntry {
  const message: WireMessage = {
    entity: to.entity,
    sessionId: to.sessionId,
    correlationId: to.correlationId,
    subject: 'answer',
    timeToLiveMs: ANSWER_TTL_MS,
    messageId: answerMessageId(request.messageId, body.answer),
    properties: { [PROPERTY.format]: WIRE_FORMAT },
    body: body as unknown as Json,
  };
  return { kind: 'message', message };
}

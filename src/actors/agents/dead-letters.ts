// I11: a dead letter is never silence. A copy waits in the remediation queue, its asker is told, then it is gone from the
// dead-letter queue. Both ids follow from the dead letter's place, so a crash in between repeats nothing. An actor that is told
// says later whether it handled it (host/sort/marks.ts), so the copy comes first.
import { REMEDIATION } from '../../contract/entities.ts';
import { isErrorCode, toErrorJson } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import type { ErrorJson } from '../../contract/outcome.ts';
import type { Bridge, Clock, Disposition, Logger } from '../../contract/ports.ts';
import type { InboundMessage, WireMessage } from '../../contract/wire.ts';
import { PROPERTY, WIRE_FORMAT } from '../../contract/wire.ts';
import { parseFunds } from '../protocol/budgets.ts';
import type { Cancellations } from '../protocol/cancellations.ts';
import { isRefusedForGood, withoutClaims } from '../protocol/claims.ts';
import { answerMessageId, deadLetterMessageId } from '../protocol/ids.ts';
import { marksOfWork } from '../protocol/lineage.ts';
import { parseActorBody, parseError, parseOfferBody, parseTaskBody, toAnswer } from '../protocol/messages.ts';
import { keepsBooks, toUsage, usageMessageId } from '../protocol/usage.ts';
import { inGroups } from './groups.ts';
import { createLetterLog } from './letter-log.ts';

/** The service's own reasons, as codes of ours. */
const EXPIRED = 'TTLExpiredException';

export interface DeadLetterHost {
  readonly entity: string;
  /** Where it is sent again from people's hands; default where it was. */
  readonly returnsTo?: string;
  readonly bridge: Pick<Bridge, 'publish'>;
  readonly cancellations: Pick<Cancellations, 'isCancelled'>;
  readonly logger: Logger;
  readonly clock: Clock;
  /** One that somebody has to look at. */
  readonly onDeadLetter: (entity: string, code: string) => void;
}

export function createDeadLetterHandler(
  host: DeadLetterHost,
): (message: InboundMessage) => Promise<Disposition> {
  const log = createLetterLog(host.logger, host.clock);
  const handle = inGroups(async (messages) => {
    const letters = messages.map((message) => ({ message, error: errorOf(message) }));
    const replies = letters.map(({ message, error }) => errorReply(message, error, host.entity));
    const copies = letters.map(({ message, error }, at) =>
      remediationCopy(message, error, host, isToActor(replies[at])),
    );
    const kept = await publishAll(copies, host);
    await publishAll(
      replies.flatMap((reply, at) =>
        reply === undefined ? [] : [...billOf(letters[at]?.message), withLetter(reply, copies[at], kept)],
      ),
      host,
    );
    for (const [at, { message, error }] of letters.entries()) {
      const { sequenceNumber: number, sessionId, properties } = message;
      const copy = copies[at];
      // The host that sets it aside logs it, with the number by which it is found from then on.
      if (copy !== undefined && kept.has(copy)) continue;
      const handled = properties[PROPERTY.handled] === true;
      if (!handled) host.onDeadLetter(host.entity, error.code);
      log({ entity: host.entity, sessionId, number, error, handled });
    }
    // A message that does not fit through a queue a second time stays where it is, and is read by its number.
    return copies.map((copy) => (kept.has(copy) ? { kind: 'complete' } : { kind: 'defer' }));
  });
  // Nobody waits for that work, and nobody has to look at it.
  return async (message) =>
    (await host.cancellations.isCancelled(marksOf(message))) ? { kind: 'complete' } : handle(message);
}

function marksOf(message: InboundMessage): readonly string[] {
  const parsed =
    message.subject === 'task'
      ? parseTaskBody(message)
      : message.subject === 'offer'
        ? parseOfferBody(message)
        : undefined;
  return parsed?.ok === true ? marksOfWork(message, parsed.body.execution) : [];
}

function isToActor(reply: WireMessage | undefined): boolean {
  return reply?.subject === 'reply';
}

/** Only of a copy that is there can anything be said. */
function withLetter(
  reply: WireMessage,
  copy: WireMessage | undefined,
  kept: ReadonlySet<WireMessage>,
): WireMessage {
  if (copy === undefined || !kept.has(copy) || !isToActor(reply)) return reply;
  return { ...reply, properties: { ...reply.properties, [PROPERTY.letter]: copy.messageId } };
}

/** Trying again for ever would help nobody. */
const isFinal = (code: string): boolean => code === 'TOPOLOGY_MISMATCH' || isRefusedForGood(code);
/** Limits of texts that become properties of the copy; users write both. */
const MAX_CODE_LENGTH = 256;
/** As long as the service takes it: an agent's error stays whole. */
const MAX_DESCRIPTION_LENGTH = 4_096;

/** Those that were accepted. When not all were, each is sent by itself: ids are fixed, so a repeat does no harm. */
async function publishAll(
  messages: readonly WireMessage[],
  host: DeadLetterHost,
): Promise<ReadonlySet<WireMessage>> {
  if (messages.length === 0) return new Set();
  try {
    await host.bridge.publish(messages);
    return new Set(messages);
  } catch (thrown) {
    const { code, message } = toErrorJson(thrown, 'CONNECTION_FAILED');
    if (!isFinal(code)) throw thrown;
    if (messages.length === 1) {
      host.logger.error(`a dead letter of ${host.entity} could not be passed on: ${message}`, { code });
      return new Set();
    }
    const accepted = await Promise.all(messages.map((one) => publishAll([one], host)));
    return new Set(accepted.flatMap((some) => [...some]));
  }
}

function errorOf(message: InboundMessage): ErrorJson {
  const reason = message.deadLetterReason ?? 'unknown';
  const description = message.deadLetterDescription ?? reason;
  if (reason === EXPIRED) {
    return message.subject === 'offer'
      ? { code: 'OFFER_EXPIRED', message: 'the offer lapsed before it was taken' }
      : { code: 'DEADLINE_EXCEEDED', message: 'the task lapsed before an agent took it' };
  }
  // Agents' errors travel whole in the description (task/settle.ts).
  return (
    parseError(description) ?? {
      code: codeOf(reason, message.subject),
      message: describe(reason, description),
    }
  );
}

/** Our reasons are codes. Those of the service (MaxDeliveryCountExceeded) and of people are in no table. */
function codeOf(reason: string, subject: string): string {
  if (isErrorCode(reason)) return reason;
  return subject === 'task' || subject === 'offer' ? 'TASK_FAILED' : 'TURN_POISONED';
}

function describe(reason: string, description: string): string {
  return isErrorCode(reason) || reason === description ? description : `${reason}: ${description}`;
}

/** A task's or offer's asker waits in its own session, a child's parent and a client in theirs. */
function errorReply(letter: InboundMessage, error: ErrorJson, entity: string): WireMessage | undefined {
  const message = withoutClaims(letter);
  const common = {
    messageId: deadLetterMessageId(entity, message.sequenceNumber, 'reply'),
    properties: { [PROPERTY.format]: WIRE_FORMAT },
    ...(message.traceparent === undefined ? {} : { traceparent: message.traceparent }),
  };
  const outcome = { status: 'error', error: error as unknown as Json };
  if (message.subject === 'task' || message.subject === 'offer') {
    const parsed = message.subject === 'task' ? parseTaskBody(message) : parseOfferBody(message);
    const { replyTo, replyToSessionId } = message;
    if (!parsed.ok || replyTo === undefined || replyToSessionId === undefined) return undefined;
    const { execution, branch } = parsed.body;
    const body: Json = { kind: 'reply', execution, ...(branch === null ? {} : { branch }), outcome };
    return { ...common, entity: replyTo, sessionId: replyToSessionId, subject: 'reply', body };
  }
  const parsed = parseActorBody(message);
  if (!parsed.ok) return undefined;
  const { body } = parsed;
  if (body.kind === 'start' && body.parent !== undefined) {
    const { entity: to, sessionId, correlationId: execution } = body.parent.reply;
    return {
      ...common,
      entity: to,
      sessionId,
      subject: 'reply',
      body: { kind: 'reply', execution, outcome },
    };
  }
  if (!('asker' in body) || body.asker === undefined) return undefined;
  // The id that the host's own answer would have: the asker gets one of the two.
  const id = answerMessageId(message.messageId, 'error');
  return { ...common, ...toAnswer(body.asker, id, { kind: 'answer', answer: 'error', error }) };
}

/** In front of the reply: what was reserved for a task that lapsed before anybody was handed it is free again. */
function billOf(letter: InboundMessage | undefined): readonly WireMessage[] {
  if (letter?.deadLetterReason !== EXPIRED || letter.subject !== 'task' || letter.deliveryCount > 0)
    return [];
  const parsed = parseTaskBody(letter);
  const { replyTo, replyToSessionId: sessionId, messageId, properties } = letter;
  if (!parsed.ok || replyTo === undefined || sessionId === undefined || !keepsBooks(replyTo)) return [];
  if (parseFunds(properties[PROPERTY.budget]) === undefined) return [];
  const { execution, branch, deadlineAt } = parsed.body;
  const place = branch === null ? { execution } : { execution, branch };
  const bill = { ...place, of: 'nothing', rows: [], until: Math.ceil(deadlineAt) } as const;
  return [toUsage({ entity: replyTo, sessionId, messageId: usageMessageId(messageId, 0, 0) }, bill)];
}

/** Shown to people beside the code: the service's word for a lapsed message is in no table. */
function reasonOf({ deadLetterReason = 'unknown' }: InboundMessage, { code }: ErrorJson): string {
  return (deadLetterReason === EXPIRED ? code : deadLetterReason).slice(0, MAX_CODE_LENGTH);
}

function remediationCopy(
  message: InboundMessage,
  error: ErrorJson,
  { entity, returnsTo = entity }: Pick<DeadLetterHost, 'entity' | 'returnsTo'>,
  asked: boolean,
): WireMessage {
  return {
    entity: REMEDIATION,
    subject: message.subject as WireMessage['subject'],
    messageId: deadLetterMessageId(entity, message.sequenceNumber, 'copy'),
    ...(message.replyTo === undefined ? {} : { replyTo: message.replyTo }),
    ...(message.replyToSessionId === undefined ? {} : { replyToSessionId: message.replyToSessionId }),
    ...(message.traceparent === undefined ? {} : { traceparent: message.traceparent }),
    properties: {
      ...message.properties,
      [PROPERTY.deadFrom]: returnsTo,
      [PROPERTY.deadSession]: message.sessionId ?? '',
      [PROPERTY.deadReason]: reasonOf(message, error),
      [PROPERTY.deadCode]: error.code.slice(0, MAX_CODE_LENGTH),
      [PROPERTY.deadDescription]: (message.deadLetterDescription ?? '').slice(0, MAX_DESCRIPTION_LENGTH),
      [PROPERTY.deadSent]: message.enqueuedAt,
      [PROPERTY.deadNumber]: message.sequenceNumber,
      ...(asked ? { [PROPERTY.asked]: true } : {}),
    },
    body: message.body as Json,
  };
}

// Management operations about messages that nobody has received: schedule, cancel a schedule, peek, delete many at once.
import { encodedMessages } from '../../codec/body.ts';
import { toStored } from '../../codec/rewrite.ts';
import { verifiedMessage } from '../../codec/verify-message.ts';
import { deleteWaiting } from '../../core/departures.ts';
import { peek } from '../../core/peek.ts';
import { serviceErrors } from '../../errors.ts';
import { arrayOf, types } from '../rhea.ts';
import {
  list,
  NO_CONTENT,
  type Operation,
  ok,
  optionalText,
  queueOf,
  whole,
  wholeNumbers,
} from './operation.ts';

const LONG = 0x81;

export const scheduleMessages: Operation = ({ target, body, enlist }, respond) => {
  if (!target.destination) throw serviceErrors.notAllowed(`Messages cannot be sent to '${target.path}'.`);
  const messages = list(body, 'messages').map((entry) => {
    const bytes = (entry as { message?: unknown }).message;
    if (!Buffer.isBuffer(bytes)) throw serviceErrors.invalid("'message' is not binary.");
    return toStored(verifiedMessage(bytes));
  });
  const { intake } = target.destination;
  const numbers = (seqs: number[]) => ok({ 'sequence-numbers': arrayOf(seqs, LONG) });
  // A message that is due already gets a number too. In a transaction the number is told before the transaction has ended.
  const seqs = messages.map(() => intake.reserve());
  if (!enlist) return intake.send(messages, (error) => respond(error ?? numbers(seqs)), seqs);
  enlist((ack) => intake.send(messages, ack, seqs));
  respond(numbers(seqs));
};

export const cancelScheduledMessages: Operation = ({ target, body }, respond) => {
  if (!target.destination) throw serviceErrors.messageNotFound();
  target.destination.intake.cancel(wholeNumbers(body, 'sequence-numbers'), (error) => respond(error ?? ok()));
};

export const peekMessages: Operation = ({ target, body }, respond) => {
  const from = whole(body, 'from-sequence-number');
  const count = whole(body, 'message-count');
  const sessionId = optionalText(body, 'session-id');
  const bodies = body['omit-message-body'] === true ? 'without-bodies' : 'with-bodies';
  target.core.commit({
    applied: () => {
      respond(() => {
        const found = peek(target.core, target.id, from, count, sessionId, bodies);
        if (found.length === 0) return { status: NO_CONTENT };
        return { ...ok(), encodedBody: encodedMessages(found) };
      });
    },
    refused: respond,
  });
};

// The management operation that deletes many messages at once, up to the number that the service allows.

/** What the service deletes at once (learn.microsoft.com/azure/service-bus-messaging/batch-delete). */
const MAX_COUNT = { standard: 500, premium: 4000 } as const;

/** Messages that wait for a receiver and came before a time; of one session where there are sessions. */
export const batchDelete: Operation = (call, respond) => {
  const queue = queueOf(call);
  const count = whole(call.body, 'message-count');
  const before = call.body['enqueued-time-utc'];
  const sessionId = optionalText(call.body, 'session-id');
  const max = MAX_COUNT[queue.core.limits.tier];
  if (count < 1 || count > max) {
    throw serviceErrors.outOfRange(
      `Invalid Message Count : requested ${count}. Message count should be between 1 and ${max}.`,
    );
  }
  if (call.target.home?.intake.settings.partitioned) {
    throw serviceErrors.notAllowed('Batch deletion is not supported for partitioned entities.');
  }
  if (!(before instanceof Date) || Number.isNaN(before.getTime()))
    throw serviceErrors.invalid("'enqueued-time-utc' is not a timestamp.");
  if (queue.sessions && sessionId === undefined) {
    throw serviceErrors.notAllowed('Messages of a session queue are deleted session by session.');
  }
  deleteWaiting(queue, { count, before: before.getTime(), sessionId }, (error, deleted) => {
    // None is a count too (github.com/Azure/azure-sdk-for-js/pull/39309).
    respond(error ?? ok({ 'message-count': types.wrap_int(deleted) }));
  });
};

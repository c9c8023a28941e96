// Management operations about messages that nobody has received: schedule, cancel a schedule, peek.
import { toStored } from '../../codec/edit.ts';
import { encodedMessages } from '../../codec/message-list.ts';
import { verifiedMessage } from '../../codec/verify-message.ts';
import { peek } from '../../core/peek.ts';
import { serviceErrors } from '../../errors.ts';
import { arrayOf } from '../rhea.ts';
import { list, NO_CONTENT, type Operation, ok, optionalText, whole, wholeNumbers } from './operation.ts';

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
  // Also what is due already gets a number of its own; in a transaction it is told before it is known what comes of it.
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

import { toStored } from '../../codec/edit.ts';
import { peek } from '../../core/peek.ts';
import { serviceErrors } from '../../errors.ts';
import { arrayOf } from '../rhea.ts';
import { list, NO_CONTENT, type Operation, ok, optionalText, whole, wholeNumbers } from './operation.ts';

const LONG = 0x81;

export const scheduleMessages: Operation = ({ target, body }, respond) => {
  if (!target.destination) throw serviceErrors.notAllowed(`Messages cannot be sent to '${target.path}'.`);
  const messages = list(body, 'messages').map((entry) => {
    const bytes = (entry as { message?: unknown }).message;
    if (!Buffer.isBuffer(bytes)) throw serviceErrors.invalid("'message' is not binary.");
    return toStored(bytes);
  });
  target.destination.intake.send(messages, (error, seqs) => {
    respond(error ?? ok({ 'sequence-numbers': arrayOf(seqs, LONG) }));
  });
};

export const cancelScheduledMessages: Operation = ({ target, body }, respond) => {
  if (!target.destination) throw serviceErrors.messageNotFound();
  target.destination.intake.cancel(wholeNumbers(body, 'sequence-numbers'), (error) => respond(error ?? ok()));
};

export const peekMessages: Operation = ({ target, body }, respond) => {
  const from = whole(body, 'from-sequence-number');
  const count = whole(body, 'message-count');
  const sessionId = optionalText(body, 'session-id');
  target.core.commit({
    applied: () => {
      const found = peek(target.core, target.id, from, count, sessionId);
      if (found.length === 0) respond({ status: NO_CONTENT });
      else respond(ok({ messages: found.map((message) => ({ message })) }));
    },
    refused: respond,
  });
};

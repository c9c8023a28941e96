import { serviceErrors } from '../../errors.ts';
import { types } from '../rhea.ts';
import { NO_CONTENT, type Operation, ok, optionalText, queueOf, whole } from './operation.ts';

/** The service deletes no more at once. */
const MAX_COUNT = 4000;

/** Messages that wait for a receiver and came before a time; of one session where there are sessions. */
export const batchDelete: Operation = (call, respond) => {
  const queue = queueOf(call);
  const count = whole(call.body, 'message-count');
  const before = call.body['enqueued-time-utc'];
  const sessionId = optionalText(call.body, 'session-id');
  if (count < 1 || count > MAX_COUNT) {
    throw serviceErrors.invalid(`'message-count' must be from 1 to ${MAX_COUNT}.`);
  }
  if (!(before instanceof Date)) throw serviceErrors.invalid("'enqueued-time-utc' is not a timestamp.");
  if (queue.sessions && sessionId === undefined) {
    throw serviceErrors.notAllowed('Messages of a session queue are deleted session by session.');
  }
  queue.deleteWaiting(count, before.getTime(), sessionId, (error, deleted) => {
    if (error) respond(error);
    else if (deleted === 0) respond({ status: NO_CONTENT });
    else respond(ok({ 'message-count': types.wrap_int(deleted) }));
  });
};

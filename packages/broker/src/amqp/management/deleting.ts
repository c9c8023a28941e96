// The management operation that deletes many messages at once, up to the number that the service allows.
import { deleteWaiting } from '../../core/departures.ts';
import { serviceErrors } from '../../errors.ts';
import { types } from '../rhea.ts';
import { type Operation, ok, optionalText, queueOf, whole } from './operation.ts';

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

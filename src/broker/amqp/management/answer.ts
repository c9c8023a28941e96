import { ServiceError, serviceErrors } from '../../errors.ts';
import type { ReplyLinks, Request } from '../requests.ts';
import { types } from '../rhea.ts';
import { batchDelete } from './deleting.ts';
import type { Operation, Respond, Target } from './operation.ts';
import { addRule, enumerateRules, removeRule } from './rules.ts';
import { cancelScheduledMessages, peekMessages, scheduleMessages } from './scheduling.ts';
import { getMessageSessions, getSessionState, renewSessionLock, setSessionState } from './sessions.ts';
import { receiveBySequenceNumber, renewLocks, updateDisposition } from './settlement.ts';

const OPERATIONS: Readonly<Record<string, Operation>> = {
  'com.microsoft:schedule-message': scheduleMessages,
  'com.microsoft:cancel-scheduled-message': cancelScheduledMessages,
  'com.microsoft:peek-message': peekMessages,
  'com.microsoft:renew-lock': renewLocks,
  'com.microsoft:renew-session-lock': renewSessionLock,
  'com.microsoft:set-session-state': setSessionState,
  'com.microsoft:get-session-state': getSessionState,
  'com.microsoft:get-message-sessions': getMessageSessions,
  'com.microsoft:receive-by-sequence-number': receiveBySequenceNumber,
  'com.microsoft:update-disposition': updateDisposition,
  'com.microsoft:batch-delete-messages': batchDelete,
  'com.microsoft:add-rule': addRule,
  'com.microsoft:remove-rule': removeRule,
  'com.microsoft:enumerate-rules': enumerateRules,
};

/** Answers one `$management` request; errors always name their condition, clients go by it. */
export function answerManagement(target: Target, request: Request, replies: ReplyLinks): void {
  const respond: Respond = (result) => {
    if (result instanceof ServiceError) {
      replies.reply(request, {
        statusCode: types.wrap_int(result.status),
        statusDescription: result.message,
        errorCondition: types.wrap_symbol(result.condition),
      });
      return;
    }
    replies.reply(
      request,
      { statusCode: types.wrap_int(result.status), statusDescription: 'OK' },
      result.body ?? null,
    );
  };
  const name = String(request.properties['operation']);
  const linkName = request.properties['associated-link-name'];
  const operation = OPERATIONS[name];
  target.core.counters.add(`management.${name.replace('com.microsoft:', '')}`);
  try {
    if (!operation) throw serviceErrors.notImplemented(name);
    const busy = target.core.throttle?.take();
    if (busy) throw busy;
    operation(
      {
        target,
        body: (request.body ?? {}) as Record<string, unknown>,
        linkName: typeof linkName === 'string' ? linkName : undefined,
      },
      respond,
    );
  } catch (error) {
    respond(
      error instanceof ServiceError
        ? error
        : serviceErrors.invalid(`The request cannot be read: ${String(error)}`),
    );
  }
}

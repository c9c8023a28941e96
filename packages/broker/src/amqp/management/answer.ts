// Answers one `$management` request. Errors always name their condition: clients decide by it whether to try again.
import type { FaultOperation } from '../../control/fault.ts';
import type { Act } from '../../control/match.ts';
import { registerOperations } from '../../core/pulse.ts';
import { lockKey } from '../../core/records.ts';
import { ServiceError, serviceErrors } from '../../errors.ts';
import type { ReplyLinks, Said } from '../replies.ts';
import type { Request } from '../requests.ts';
import { types } from '../rhea.ts';
import type { Call, Operation, Reply, Respond, Target } from './operation.ts';
import { addRule, enumerateRules, removeRule } from './rules.ts';
import { getMessageSessions, getSessionState, renewSessionLock, setSessionState } from './sessions.ts';
import { receiveBySequenceNumber, renewLocks, updateDisposition } from './settlement.ts';
import { batchDelete, cancelScheduledMessages, peekMessages, scheduleMessages } from './waiting-messages.ts';

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

const NUMBERS = registerOperations(Object.keys(OPERATIONS));

/** What can be part of a transaction; the service knows no more. */
const TRANSACTIONAL: ReadonlySet<Operation> = new Set([scheduleMessages, updateDisposition]);

/** Answers one `$management` request; errors always name their condition, clients go by it. */
export function answerManagement(target: Target, request: Request, replies: ReplyLinks): void {
  const respond: Respond = (result) => {
    if (typeof result === 'function') replies.replyLater(request, () => toSaid(result()));
    else replies.reply(request, toSaid(result));
  };
  const asked = request.properties['operation'];
  const name = typeof asked === 'string' ? asked : '';
  const linkName = request.properties['associated-link-name'];
  const operation = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined;
  const body = (request.body ?? {}) as Record<string, unknown>;
  const { counters, faults, throttle } = target.core;
  // Only known names are counted: a counter is never removed.
  target.core.pulse.operation(NUMBERS.get(name) ?? 0);
  if (operation) counters.add(`management.${name.replace('com.microsoft:', '')}`);
  const work = (answer: Respond) => {
    try {
      if (!operation || (request.transaction && !TRANSACTIONAL.has(operation)))
        throw serviceErrors.notImplemented(name);
      const busy = throttle?.take();
      if (busy) throw busy;
      const { encoded } = request;
      operation(
        {
          target,
          body,
          encoded,
          linkName: typeof linkName === 'string' ? linkName : undefined,
          enlist: enlistIn(target, request),
        },
        answer,
      );
    } catch (error) {
      answer(
        error instanceof ServiceError
          ? error
          : serviceErrors.invalid(`The request cannot be read: ${String(error)}`),
      );
    }
  };
  const act = faults.armed ? actOf(target, name, body) : undefined;
  if (act) faults.through(act, work, respond);
  else work(respond);
}

function enlistIn({ client }: Target, { transaction, encoded }: Request): Call['enlist'] {
  if (!transaction) return undefined;
  return (run) => {
    const refused = client.transactions.enlist(transaction, { run, bytes: encoded.length });
    if (refused) throw refused;
  };
}

function toSaid(result: Reply | ServiceError): Said {
  if (result instanceof ServiceError) {
    return {
      properties: {
        statusCode: types.wrap_int(result.status),
        statusDescription: result.message,
        errorCondition: types.wrap_symbol(result.condition),
      },
    };
  }
  return {
    properties: { statusCode: types.wrap_int(result.status), statusDescription: 'OK' },
    body: result.encodedBody ?? result.body ?? null,
  };
}

// `$management` requests as faults see them; settlements meet faults message by message, in `connected-client.ts`.

const FAULT_NAMES: Readonly<Record<string, FaultOperation>> = {
  'com.microsoft:schedule-message': 'schedule',
  'com.microsoft:cancel-scheduled-message': 'cancel',
  'com.microsoft:peek-message': 'peek',
  'com.microsoft:renew-lock': 'renew',
  'com.microsoft:renew-session-lock': 'renew',
  'com.microsoft:set-session-state': 'state-write',
  'com.microsoft:get-session-state': 'state-read',
  'com.microsoft:get-message-sessions': 'sessions',
  'com.microsoft:receive-by-sequence-number': 'receive-deferred',
  'com.microsoft:batch-delete-messages': 'delete',
  'com.microsoft:add-rule': 'rules',
  'com.microsoft:remove-rule': 'rules',
  'com.microsoft:enumerate-rules': 'rules',
};

function actOf(target: Target, name: string, body: Record<string, unknown>): Act | undefined {
  const operation = FAULT_NAMES[name];
  if (operation === undefined) return undefined;
  const [first] = Array.isArray(body['messages']) ? (body['messages'] as Record<string, unknown>[]) : [];
  const session = text(body['session-id']) ?? text(first?.['session-id']);
  return {
    operation,
    entity: target.path,
    session,
    messageId: text(first?.['message-id']),
    lock: session === undefined ? messageLock(target, body['lock-tokens']) : { session },
    client: target.client,
  };
}

function messageLock({ queue }: Target, tokens: unknown): Act['lock'] {
  const [token] = Array.isArray(tokens) ? (tokens as unknown[]) : [];
  const lock = Buffer.isBuffer(token) ? queue?.plain?.find(lockKey(token)) : undefined;
  return lock && { sequenceNumber: lock.message.seq };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

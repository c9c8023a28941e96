/** `$management` requests as faults see them; settlements meet faults message by message, in `settling.ts`. */
import type { FaultOperation } from '../../control/fault.ts';
import type { Act } from '../../control/match.ts';
import { lockKey } from '../../core/records.ts';
import type { Target } from './operation.ts';

const OPERATIONS: Readonly<Record<string, FaultOperation>> = {
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

export function actOf(target: Target, name: string, body: Record<string, unknown>): Act | undefined {
  const operation = OPERATIONS[name];
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

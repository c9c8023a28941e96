// Links that are refused and why, and the right that a management operation needs.
import type { Queue } from '../core/queue.ts';
import { type ServiceError, serviceErrors } from '../errors.ts';
import type { AccessRight } from '../topology.ts';
import { localAttach, type Receiver, type Sender } from './rhea.ts';

/** An attach that leads nowhere is answered with a null terminus, then detached with the reason. */
export function refuse(link: Sender | Receiver, error: ServiceError): void {
  const attach = localAttach(link);
  attach.source = undefined;
  attach.target = undefined;
  link.close(errorOf(error));
}

export function errorOf({ condition, message }: ServiceError): { condition: string; description: string } {
  return { condition, description: message };
}

export function lacksClaim(right: AccessRight, address: string): ServiceError {
  return serviceErrors.unauthorized(
    `Unauthorized access. '${right}' claim(s) are required to perform this operation. Resource: 'sb://localhost/${address}'.`,
  );
}

export function receivingRefused({ settings, path }: Queue): ServiceError | undefined {
  if (settings.disabled) return serviceErrors.entityDisabled(path);
  if (settings.forwardTo === undefined) return undefined;
  return serviceErrors.notAllowed(
    `Cannot create a message receiver on an entity with auto-forwarding enabled: '${path}'.`,
  );
}

export function sessionRequired(): ServiceError {
  return serviceErrors.notAllowed(
    'It is not possible for an entity that requires sessions to create a non-sessionful message receiver.',
  );
}

export function noSessions(): ServiceError {
  return serviceErrors.notAllowed(
    'A sessionful message receiver cannot be created on an entity that does not require sessions.',
  );
}

const RIGHTS: Readonly<Record<string, AccessRight>> = {
  'com.microsoft:schedule-message': 'Send',
  'com.microsoft:cancel-scheduled-message': 'Send',
  'com.microsoft:add-rule': 'Manage',
  'com.microsoft:remove-rule': 'Manage',
};

/** What a `$management` operation needs; whatever is not sending or administering is receiving. */
export function rightFor(operation: unknown): AccessRight {
  return RIGHTS[String(operation)] ?? 'Listen';
}

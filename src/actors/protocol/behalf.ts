// On whose behalf work is done, and how urgent it is: said at a start, kept by the actor, and handed on to its children and with its tasks.
// It travels as properties of the message, so hosts of former builds pass it by.
import { MAX_TENANT_LENGTH, type OnBehalf, PRIORITIES, type Priority } from '../../contract/control.ts';
import { QuorateError } from '../../contract/errors.ts';
import { PROPERTY, type WireMessage } from '../../contract/wire.ts';

type Properties = NonNullable<WireMessage['properties']>;

/** Throws INPUT_INVALID. Gives nothing but what it is about, and nothing where nothing is said. */
export function checkBehalf({
  tenant,
  priority,
}: {
  readonly tenant?: unknown;
  readonly priority?: unknown;
}): OnBehalf {
  const fault = faultOf(tenant, priority);
  if (fault !== undefined) throw new QuorateError('INPUT_INVALID', fault);
  return behalfOf({ tenant, priority } as OnBehalf);
}

/** What a start says: what does not fit is refused as its sender would have been. */
export function readBehalf(
  properties: Properties,
): { readonly behalf: OnBehalf } | { readonly fault: string } {
  const { [PROPERTY.tenant]: tenant, [PROPERTY.priority]: priority } = properties;
  if (tenant === undefined && priority === undefined) return NOBODY;
  const fault = faultOf(tenant, priority);
  return fault === undefined ? { behalf: behalfOf({ tenant, priority } as OnBehalf) } : { fault };
}

const NOBODY = { behalf: {} };

function faultOf(tenant: unknown, priority: unknown): string | undefined {
  const isTenant =
    tenant === undefined ||
    (typeof tenant === 'string' && tenant !== '' && tenant.length <= MAX_TENANT_LENGTH);
  if (!isTenant) return `tenant must be a text of 1 to ${MAX_TENANT_LENGTH} characters`;
  if (priority === undefined || PRIORITIES.includes(priority as Priority)) return undefined;
  return `priority must be one of ${PRIORITIES.join(', ')}`;
}

/** Of what else an actor keeps. `normal` is what goes without saying. */
export function behalfOf({ tenant, priority }: OnBehalf): OnBehalf {
  return {
    ...(tenant === undefined ? {} : { tenant }),
    ...(priority === undefined || priority === 'normal' ? {} : { priority }),
  };
}

export function toProperties({ tenant, priority }: OnBehalf): Properties {
  return {
    ...(tenant === undefined ? {} : { [PROPERTY.tenant]: tenant }),
    ...(priority === undefined ? {} : { [PROPERTY.priority]: priority }),
  };
}

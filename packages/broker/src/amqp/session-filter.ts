/**
 * The filter of an attach that asks for a session: a name, or null for the next one. Most clients send it plain, the one
 * for Go as a described value, and go-amqp reads no other in the answer (`Filter.Unmarshal` in its exported_types.go).
 */
import { type ServiceError, serviceErrors } from '../errors.ts';
import { types } from './rhea.ts';

const SESSION_FILTER = 'com.microsoft:session-filter';

type Filters = Readonly<Record<string, unknown>> | null | undefined;

/** Undefined = no session is asked for; a ServiceError = something that is no session. */
export function askedSession(filters: Filters): string | null | undefined | ServiceError {
  if (!filters || !(SESSION_FILTER in filters)) return undefined;
  const asked = filters[SESSION_FILTER];
  const value = isDescribed(asked) ? asked.value : asked;
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return null;
  return serviceErrors.invalid('The session id in the session filter is neither a string nor null.');
}

/** The answer names the session in the shape of the question. */
export function grantedSession(filters: Filters, id: string): Record<string, unknown> {
  const asked = filters?.[SESSION_FILTER];
  return { [SESSION_FILTER]: isDescribed(asked) ? types.wrap_described(id, asked.descriptor.value) : id };
}

interface Described {
  readonly value: unknown;
  readonly descriptor: { readonly value: string | number };
}

function isDescribed(value: unknown): value is Described {
  return (
    typeof value === 'object' && value !== null && 'descriptor' in value && value.descriptor !== undefined
  );
}

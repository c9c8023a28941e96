// Typed values out of a description document, within what the service allows; a value that cannot be is refused by its
// element's name.
import { durationMs, isoDuration } from '../durations.ts';
import type { EntityState } from '../topology.ts';
import { adminErrors } from './admin-errors.ts';
import type { Node } from './xml.ts';

/** What the service allows; from "Service Bus quotas" and the reference of the management API. */
export const LIMITS = {
  lockMs: [1, 5 * 60_000],
  timeToLiveMs: [1000, Number.POSITIVE_INFINITY],
  duplicateWindowMs: [20_000, 7 * 86_400_000],
  autoDeleteMs: [5 * 60_000, Number.POSITIVE_INFINITY],
  deliveries: [1, 2000],
  megabytes: [1, 81_920],
  kilobytes: [1, Number.MAX_SAFE_INTEGER],
  standardKilobytes: 256,
  premiumKilobytes: [1024, 102_400],
} as const;

export const DEFAULTS = {
  lockDuration: 'PT1M',
  megabytes: 1024,
  deliveries: 10,
  duplicateWindow: 'PT10M',
} as const;

const STATES: readonly EntityState[] = ['Active', 'Disabled', 'SendDisabled', 'ReceiveDisabled'];
const MAX_METADATA = 1024;

export function flag(node: Node, name: string): boolean | undefined {
  const text = node.text(name)?.trim().toLowerCase();
  if (text === undefined || text === '') return undefined;
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw adminErrors.badRequest(`The value '${text}' of ${name} is not a boolean.`);
}

export function whole(node: Node, name: string, min: number, max: number): number | undefined {
  const text = node.text(name)?.trim();
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw adminErrors.badRequest(
      `The value supplied for ${name} is invalid: it must be a whole number from ${min} to ${max}, and is '${text}'.`,
    );
  }
  return value;
}

export function state(node: Node): EntityState | undefined {
  const text = node.text('Status')?.trim();
  if (text === undefined || text === '') return undefined;
  const found = STATES.find((each) => each === text);
  if (!found)
    throw adminErrors.badRequest(`The value '${text}' of Status is not one of ${STATES.join(', ')}.`);
  return found;
}

export function metadata(node: Node): string | undefined {
  const text = node.text('UserMetadata');
  if (text !== undefined && text.length > MAX_METADATA) {
    throw adminErrors.badRequest(`UserMetadata is longer than ${MAX_METADATA} characters.`);
  }
  return text === '' ? undefined : text;
}

/** `queue`, or an address whose host does not count: `sb://host/queue`, `https://host/queue`. */
export function destination(node: Node, name: string): string | undefined {
  const text = node.text(name)?.trim();
  return text === undefined || text === '' ? undefined : decodeURIComponent(text).replace(/\/+$/, '');
}

/** Leaves out what was not given, so that a description holds what somebody asked for. */
export function given<T extends object>(fields: { [Name in keyof T]: T[Name] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

/** A duration within its limits, in the one spelling that the service answers with. */
export function timespan(
  name: string,
  text: string | undefined,
  min: number,
  max: number,
): string | undefined {
  if (text === undefined || text === '') return undefined;
  const ms = durationMs(text.trim());
  if (ms === undefined) throw adminErrors.badRequest(`The value '${text}' of ${name} is not a duration.`);
  if (ms < min || ms > max) {
    throw adminErrors.badRequest(
      `The value supplied for ${name} is invalid: it must be within ${isoDuration(min)} and ${isoDuration(max)}, and is '${text}'.`,
    );
  }
  return isoDuration(ms);
}

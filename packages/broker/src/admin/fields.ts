/** Typed values out of a description document; a value that cannot be is refused by its element's name. */
import type { EntityState } from '../topology.ts';
import { adminErrors } from './errors.ts';
import type { Node } from './xml.ts';

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

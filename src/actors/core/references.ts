// Actor references. In a context XState writes them as { xstate$$type: 1, id }, with the ids of the actor's own children;
// beyond the actor they are addresses, { type, id }, to which sendTo() sends as well.
import type { AnyActorRef } from 'xstate';
import { type ActorAddress, formatAddress } from '../../contract/address.ts';
import { QuorateError } from '../../contract/errors.ts';
import type { Json, JsonObject } from '../../contract/json.ts';

/** XState's own names for an actor's parent and for itself. */
export const PARENT_ID = '#_parent';
export const SELF_ID = '#_internal';

export type AddressOf = (id: string) => ActorAddress | undefined;

interface Written {
  readonly xstate$$type: 1;
  readonly id: string;
}

export function isWrittenReference(value: unknown): value is Written {
  return (
    typeof value === 'object' && value !== null && (value as { xstate$$type?: unknown }).xstate$$type === 1
  );
}

/**
 * Stands for an actor that is not in this process: the parent, or a child that has ended. XState persists it like any
 * other.
 */
export function standIn(id: string): AnyActorRef {
  const reference = {
    id,
    sessionId: id,
    send: () => refuseSend(id),
    getSnapshot: () => ({ status: 'stopped', output: undefined, error: undefined }),
    toJSON: (): Written => ({ xstate$$type: 1, id }),
  };
  return Object.freeze(
    Object.defineProperty(reference, 'ref', { value: reference }),
  ) as unknown as AnyActorRef;
}

export function refuseSend(id: string): never {
  throw new QuorateError(
    'MACHINE_NOT_DURABLE',
    `send() was called on actor '${id}' inside a turn; use the actions sendTo() and raise()`,
  );
}

/** The same value with its written references replaced; copied along the paths that lead to one, never changed (I6). */
export function mapReferences(value: Json, replace: (id: string) => unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (isWrittenReference(value)) return replace(value.id);
  if (Array.isArray(value)) {
    const items = value as readonly Json[];
    const mapped = items.map((item) => mapReferences(item, replace));
    return mapped.some((item, index) => item !== items[index]) ? mapped : value;
  }
  return mapProperties(value as JsonObject, replace);
}

function mapProperties(object: JsonObject, replace: (id: string) => unknown): unknown {
  let copy: Record<string, unknown> | undefined;
  for (const [key, item] of Object.entries(object)) {
    const mapped = mapReferences(item, replace);
    if (mapped === item) continue;
    copy ??= { ...object };
    copy[key] = mapped;
  }
  return copy ?? object;
}

// Ids of child actors: the same parent, incarnation and execution always give the same id, without node:crypto.

/** Keeps `<parent>~<hash>` under the 128 characters of a session id, and readable. */
const MAX_PARENT_CHARACTERS = 96;

export function childActorId(parent: ActorAddress, incarnation: string, execution: string): string {
  const text = JSON.stringify([formatAddress(parent), incarnation, execution]);
  const root = parent.id.slice(0, MAX_PARENT_CHARACTERS).toWellFormed();
  return `${root}~${hash53(text, 0).toString(36)}${hash53(text, 0x9e3779b9).toString(36)}`;
}

/** cyrb53: 53 well mixed bits. Two of them keep children apart; ids are not secrets. */
export function hash53(text: string, seed: number): number {
  let high = 0xdeadbeef ^ seed;
  let low = 0x41c6ce57 ^ seed;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return 4294967296 * (2097151 & low) + (high >>> 0);
}

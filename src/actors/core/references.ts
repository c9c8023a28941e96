// Actor references. In a context XState writes them as { xstate$$type: 1, id }, with the ids of the actor's own children;
// beyond the actor they are addresses, { type, id }, to which sendTo() sends as well.
import type { AnyActorRef } from 'xstate';
import type { ActorAddress } from '../../contract/address.ts';
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

/** What stands for an actor that is not there: its parent, or a child that has ended. XState persists it like any other. */
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

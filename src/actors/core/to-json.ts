// What a machine holds and gives, as JSON: it must survive the wire unchanged, and the same inputs must give the same
// bytes (I6). What leaves the machine is checked as at every border; only actor references have a special form.
import { matchesState, type StateValue } from 'xstate';
import type { Border } from '../../contract/border.ts';
import { QuorateError } from '../../contract/errors.ts';
import type { EventJson, Json } from '../../contract/json.ts';
import { isJson, lossOf } from '../../contract/loss.ts';
import type { CoreState } from '../../contract/turn.ts';
import { type AddressOf, isWrittenReference, mapReferences } from './references.ts';

/**
 * The value itself when it is JSON already (the usual case costs no copy), else its copy through JSON text. With
 * `addressOf` it is fit for other actors: a reference becomes the address of the actor that it stands for.
 */
export function toJson(value: unknown, addressOf?: AddressOf): Json {
  if (isJson(value)) return value;
  const text = JSON.stringify(value, (_key, item: unknown) =>
    isWrittenReference(item) ? (addressOf?.(item.id) ?? item) : item,
  );
  return text === undefined ? null : (JSON.parse(text) as Json);
}

/** What leaves a machine: refused by its path where it would arrive as something else. */
export function toOutside(value: unknown, border: Border, addressOf?: AddressOf): Json {
  if (isJson(value)) return value;
  const loss = lossOf(value, border.path, isReference);
  if (loss !== undefined) throw new QuorateError(border.code, `${border.of}: ${loss}`);
  return toJson(value, addressOf);
}

export function toEventOutside(
  event: { readonly type: string },
  of: string,
  addressOf?: AddressOf,
  code: Border['code'] = 'INPUT_INVALID',
): EventJson {
  return toOutside(event, { of, path: 'event', code }, addressOf) as EventJson;
}

/** An actor, living or standing for one: it writes itself as a reference. */
function isReference(value: object): boolean {
  const { toJSON } = value as { toJSON?: unknown };
  return typeof toJSON === 'function' && isWrittenReference(toJSON.call(value));
}

const utf8 = new TextEncoder();

export function jsonBytes(value: unknown): number {
  return utf8.encode(JSON.stringify(value)).length;
}

// The context on its way into the session state: refuses what would not come back unchanged.

/** `context` as JSON; throws what stands in the way. */
export function contextToJson(context: unknown, machine: string): Json {
  if (isJson(context)) return context;
  const loss = lossOf(context, 'context');
  if (loss === undefined) return toJson(context);
  throw new QuorateError('MACHINE_NOT_DURABLE', `machine '${machine}': ${loss}`);
}

// A child's snapshot on its way to the parent that follows it (onSnapshot): JSON between the two, and at the parent with
// the questions that one asks of a snapshot in XState.

interface SentSnapshot {
  readonly status: Json;
  readonly value: Json;
  readonly context: Json;
  readonly tags: readonly string[];
}

export function toSentSnapshot(state: CoreState, addressOf: AddressOf): Json {
  const { status, value, context } = state.snapshot as { status: Json; value: Json; context: Json };
  // The child's references mean nothing to its parent.
  const known = mapReferences(context, (id) => addressOf(id) ?? null) as Json;
  return { status, value, context: known, tags: state.tags };
}

/** Methods are not enumerable: a context that keeps the snapshot keeps its data. */
export function toMachineSnapshot(sent: Json): object {
  const snapshot = { ...(sent as unknown as SentSnapshot) };
  const { value, tags } = snapshot;
  return Object.defineProperties(snapshot, {
    matches: { value: (tested: StateValue) => matchesState(tested, value as StateValue) },
    hasTag: { value: (tag: string) => tags.includes(tag) },
  });
}

// What a machine holds and gives, as JSON: it must survive the wire unchanged, and the same inputs must give the same
// bytes (I6). What leaves the machine is checked as at every border; only actor references are written in a way of their own.
import type { Border } from '../../contract/border.ts';
import { QuorateError } from '../../contract/errors.ts';
import type { EventJson, Json } from '../../contract/json.ts';
import { isJson, lossOf } from '../../contract/loss.ts';
import type { AddressOf } from './references.ts';
import { isWrittenReference } from './references.ts';

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

/** The map in the body of a request, its values as they were encoded, so that their types stay. */
import type { PropertyChanges } from './rewrite.ts';
import { AMQP_VALUE, eachSection, scanSections } from './sections.ts';
import { eachPair, isMap, readCompound } from './values.ts';

/** Undefined if there is no such map at the end of the names. */
export function encodedMap(message: Buffer, ...names: string[]): PropertyChanges | undefined {
  for (const { code, valueAt } of eachSection(message, scanSections(message).bodyStart)) {
    if (code === AMQP_VALUE) return mapAt(message, valueAt, names);
  }
  return undefined;
}

function mapAt(bytes: Buffer, at: number, [name, ...rest]: string[]): PropertyChanges | undefined {
  if (!isMap(bytes, at)) return undefined;
  let found: PropertyChanges | undefined;
  const values: PropertyChanges = new Map();
  eachPair(bytes, readCompound(bytes, at), (key, valueAt, _start, end) => {
    if (name === undefined) values.set(key, bytes.subarray(valueAt, end));
    else if (key === name) found = mapAt(bytes, valueAt, rest);
  });
  return name === undefined ? values : found;
}

// What the broker said, field by field: those of a frame's performative that are scalars.
import { readCompound, readScalar, type Scalar, skipValue } from '../../../src/codec/values.ts';
import type { Heard } from './raw-peer.ts';

const LIST_AT = 11;

export function fieldsOf({ bytes }: Heard): (Scalar | undefined)[] {
  const { start, count } = readCompound(bytes, LIST_AT);
  const fields: (Scalar | undefined)[] = [];
  for (let at = start; fields.length < count; at = skipValue(bytes, at)) fields.push(readScalar(bytes, at));
  return fields;
}

/** Of a flow for a link. */
export function flowOf(heard: Heard): { count: unknown; credit: unknown; drain: boolean } {
  const [, , , , , count, credit, , drain] = fieldsOf(heard);
  return { count, credit, drain: drain === true };
}

/** What a transfer is called. */
export const deliveryIdOf = (heard: Heard): unknown => fieldsOf(heard)[1];

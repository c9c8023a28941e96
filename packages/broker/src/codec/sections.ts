// Where the sections of an encoded message begin and end.
import { readCompound, readScalar, skipValue } from './values.ts';

export const HEADER = 0x70;
export const DELIVERY_ANNOTATIONS = 0x71;
export const MESSAGE_ANNOTATIONS = 0x72;
export const PROPERTIES = 0x73;
export const APPLICATION_PROPERTIES = 0x74;
export const DATA = 0x75;
export const AMQP_VALUE = 0x77;
export const FOOTER = 0x78;

const SYMBOLIC: Record<string, number> = {
  'amqp:header:list': HEADER,
  'amqp:delivery-annotations:map': DELIVERY_ANNOTATIONS,
  'amqp:message-annotations:map': MESSAGE_ANNOTATIONS,
  'amqp:properties:list': PROPERTIES,
  'amqp:application-properties:map': APPLICATION_PROPERTIES,
  'amqp:data:binary': DATA,
  'amqp:amqp-sequence:list': 0x76,
  'amqp:amqp-value:*': AMQP_VALUE,
  'amqp:footer:map': FOOTER,
};

export interface Section {
  start: number;
  /** Where the described value begins. */
  valueAt: number;
  end: number;
}

/** Where the parts of an encoded message lie; `bodyStart` is the end of everything before the body. */
export interface Sections {
  header: Section | undefined;
  deliveryAnnotations: Section | undefined;
  annotations: Section | undefined;
  properties: Section | undefined;
  applicationProperties: Section | undefined;
  bodyStart: number;
}

export function scanSections(bytes: Buffer): Sections {
  const found: Sections = {
    header: undefined,
    deliveryAnnotations: undefined,
    annotations: undefined,
    properties: undefined,
    applicationProperties: undefined,
    bodyStart: bytes.length,
  };
  for (let at = 0; at < bytes.length; ) {
    const code = sectionCode(bytes, at);
    const valueAt = skipValue(bytes, at + 1);
    if (code >= DATA) {
      found.bodyStart = at;
      return found;
    }
    const section = { start: at, valueAt, end: skipValue(bytes, valueAt) };
    if (code === HEADER) found.header = section;
    else if (code === DELIVERY_ANNOTATIONS) found.deliveryAnnotations = section;
    else if (code === MESSAGE_ANNOTATIONS) found.annotations = section;
    else if (code === PROPERTIES) found.properties = section;
    else if (code === APPLICATION_PROPERTIES) found.applicationProperties = section;
    at = section.end;
  }
  return found;
}

/** The sections from `start` on, in order; throws on anything else. */
export function* eachSection(bytes: Buffer, start: number): Generator<Section & { code: number }> {
  for (let at = start; at < bytes.length; ) {
    const code = sectionCode(bytes, at);
    const valueAt = skipValue(bytes, at + 1);
    const end = skipValue(bytes, valueAt);
    yield { code, start: at, valueAt, end };
    at = end;
  }
}

/** The fields of a list section as the places where they begin; a field left out is not there. */
export function listFields(bytes: Buffer, section: Section | undefined): number[] {
  if (!section) return [];
  const list = readCompound(bytes, section.valueAt);
  const places: number[] = [];
  for (let at = list.start; places.length < list.count; at = skipValue(bytes, at)) places.push(at);
  return places;
}

export function sectionCode(bytes: Buffer, at: number): number {
  if (bytes[at] !== 0x00) throw new RangeError('a message section must be a described value');
  const descriptor = readScalar(bytes, at + 1);
  const code = typeof descriptor === 'string' ? SYMBOLIC[descriptor] : descriptor;
  if (typeof code !== 'number' || code < HEADER || code > FOOTER) {
    throw new RangeError(`unknown message section ${String(descriptor)}`);
  }
  return code;
}

/** A message as it may be kept: its sections are whole, come in order, and what the broker reads of them has its type. */
import {
  APPLICATION_PROPERTIES,
  DATA,
  DELIVERY_ANNOTATIONS,
  eachSection,
  FOOTER,
  HEADER,
  MESSAGE_ANNOTATIONS,
  PROPERTIES,
  sectionCode,
} from './sections.ts';
import { NULL, readCompound, skipValue } from './values.ts';
import { MalformedError, type ValueLimits, verifyValue } from './verify.ts';

/** Bodies are passed on and never built, so that their values cost nothing. */
const KEPT: ValueLimits = { depth: 1000, values: Number.POSITIVE_INFINITY };
const MAPS = [0xc1, 0xd1];
const LISTS = [0x45, 0xc0, 0xd0];
const BOOLEAN = [0x41, 0x42, 0x56];
const UINT = [0x43, 0x52, 0x70, 0x50, 0x60];
const TEXT = [0xa1, 0xb1, 0xa3, 0xb3];
const BINARY = [0xa0, 0xb0];
const TIMESTAMP = [0x83];
const ID = [...TEXT, ...BINARY, 0x98, 0x44, 0x53, 0x80, ...UINT];

const MAP_SECTIONS = new Set([DELIVERY_ANNOTATIONS, MESSAGE_ANNOTATIONS, APPLICATION_PROPERTIES, FOOTER]);
const FIELDS = new Map([
  [HEADER, [BOOLEAN, UINT, UINT, BOOLEAN, UINT]],
  [PROPERTIES, [ID, BINARY, TEXT, TEXT, TEXT, ID, TEXT, TEXT, TIMESTAMP, TIMESTAMP, TEXT, UINT, TEXT]],
]);

/**
 * The message with its sections in order, which neither pyamqp nor uAMQP keeps (azure-sdk-for-python, encode_payload in
 * `_pyamqp/_encode.py`). Throws a MalformedError, or a RangeError where there is no section at all.
 */
export function verifiedMessage(bytes: Buffer, limits: ValueLimits = KEPT): Buffer {
  let last = 0;
  let ordered = true;
  for (let at = 0; at < bytes.length; ) {
    const code = sectionCode(bytes, at);
    if (code <= last && !(code === last && mayRepeat(code))) ordered = false;
    last = code;
    const valueAt = skipValue(bytes, at + 1);
    at = verifyValue(bytes, valueAt, limits);
    verifySection(bytes, code, valueAt);
  }
  return ordered ? bytes : inOrder(bytes);
}

function mayRepeat(code: number): boolean {
  return code >= DATA && code !== FOOTER;
}

function inOrder(bytes: Buffer): Buffer {
  const sections = [...eachSection(bytes, 0)].sort((one, other) => one.code - other.code);
  for (const [index, { code }] of sections.entries()) {
    if (code === sections[index + 1]?.code && !mayRepeat(code)) {
      throw new MalformedError('a section of a message is there twice');
    }
  }
  return Buffer.concat(sections.map(({ start, end }) => bytes.subarray(start, end)));
}

function verifySection(bytes: Buffer, code: number, valueAt: number): void {
  const type = bytes[valueAt] ?? NULL;
  if (MAP_SECTIONS.has(code) && !MAPS.includes(type))
    throw new MalformedError('a section of properties is no map');
  const fields = FIELDS.get(code);
  if (!fields) return;
  if (!LISTS.includes(type)) throw new MalformedError('the header or the properties are no list');
  const list = readCompound(bytes, valueAt);
  for (let index = 0, at = list.start; index < list.count; index += 1, at = skipValue(bytes, at)) {
    const field = bytes[at] ?? NULL;
    if (field !== NULL && !fields[index]?.includes(field)) {
      throw new MalformedError(`field ${index} of the header or the properties has a wrong type`);
    }
  }
}

/** Performatives read where they lie: which one it is, that every field has the type it must have, and where it is. */
import { DESCRIBED, NULL, readCompound, readScalar, skipValue } from '../codec/values.ts';
import { MalformedError, type ValueLimits, verifyValue } from '../codec/verify.ts';

export const OPEN = 0x10;
export const BEGIN = 0x11;
export const ATTACH = 0x12;
const FLOW = 0x13;
export const TRANSFER = 0x14;
export const DISPOSITION = 0x15;
export const DETACH = 0x16;
export const END = 0x17;
export const CLOSE = 0x18;
const SASL_INIT = 0x41;
/** The first and the last of the outcomes. */
export const RECEIVED = 0x23;
export const MODIFIED = 0x27;
export const SOURCE = 0x28;
export const TRANSACTIONAL_STATE = 0x34;
export const TARGET = 0x29;
export const COORDINATOR = 0x30;

/** Places of the fields that the broker looks at. */
export const FIELD = {
  maxFrameSize: 2,
  idleTimeOut: 4,
  remoteChannel: 0,
  name: 0,
  handle: { [ATTACH]: 1, [FLOW]: 4, [TRANSFER]: 0, [DETACH]: 0 },
  source: 5,
  target: 6,
  more: 5,
  state: 4,
} as const;

type Type = keyof typeof CODES;
const WHOLE = [0x50, 0x60, 0x70, 0x52, 0x43, 0x53, 0x44];
const SYMBOL = [0xa3, 0xb3];
const CODES = {
  any: undefined,
  string: [0xa1, 0xb1],
  symbol: SYMBOL,
  symbols: [...SYMBOL, 0xe0, 0xf0],
  binary: [0xa0, 0xb0],
  boolean: [0x56, 0x41, 0x42],
  // Clients are not strict about the width of a whole number, and nothing depends on it.
  whole: WHOLE,
  ulong: [...WHOLE, 0x80],
  map: [0xc1, 0xd1],
  described: [DESCRIBED],
} as const;

/** `!` = must be there. */
type Fields = (Type | `${Type}!`)[];

const SASL_RESPONSE = 0x43;
const FIELDS: Readonly<Record<number, Fields>> = {
  [OPEN]: ['string!', 'string', 'whole', 'whole', 'whole', ...symbols(4), 'map'],
  [BEGIN]: ['whole', 'whole!', 'whole!', 'whole!', 'whole', ...symbols(2), 'map'],
  [ATTACH]: [
    ...(['string!', 'whole!', 'boolean!', 'whole', 'whole', 'described', 'described'] as const),
    ...(['map', 'boolean', 'whole', 'ulong', ...symbols(2), 'map'] as const),
  ],
  [FLOW]: [
    ...(['whole', 'whole!', 'whole!', 'whole!', 'whole', 'whole', 'whole', 'whole'] as const),
    ...(['boolean', 'boolean', 'map'] as const),
  ],
  [TRANSFER]: [
    ...(['whole!', 'whole', 'binary', 'whole', 'boolean', 'boolean', 'whole', 'described'] as const),
    ...(['boolean', 'boolean', 'boolean'] as const),
  ],
  [DISPOSITION]: ['boolean!', 'whole!', 'whole', 'boolean', 'described', 'boolean'],
  [DETACH]: ['whole!', 'boolean', 'described'],
  [END]: ['described'],
  [CLOSE]: ['described'],
  [SASL_INIT]: ['symbol!', 'binary', 'string'],
  [SASL_RESPONSE]: ['binary!'],
};

const NAMES: Readonly<Record<string, number>> = Object.assign(Object.create(null), {
  'amqp:open:list': OPEN,
  'amqp:begin:list': BEGIN,
  'amqp:attach:list': ATTACH,
  'amqp:flow:list': FLOW,
  'amqp:transfer:list': TRANSFER,
  'amqp:disposition:list': DISPOSITION,
  'amqp:detach:list': DETACH,
  'amqp:end:list': END,
  'amqp:close:list': CLOSE,
  'amqp:sasl-init:list': SASL_INIT,
  'amqp:sasl-response:list': SASL_RESPONSE,
  'amqp:received:list': RECEIVED,
  'amqp:accepted:list': 0x24,
  'amqp:rejected:list': 0x25,
  'amqp:released:list': 0x26,
  'amqp:modified:list': MODIFIED,
  'amqp:transactional-state:list': TRANSACTIONAL_STATE,
  'amqp:source:list': SOURCE,
  'amqp:target:list': TARGET,
  'amqp:coordinator:list': COORDINATOR,
});

/** By performative: for each field the codes it may have, null included where it may be left out. */
const ALLOWED = new Map(
  Object.entries(FIELDS).map(([code, fields]) => [Number(code), fields.map(allowedCodes)] as const),
);

function allowedCodes(field: Type | `${Type}!`): Uint8Array {
  const mandatory = field.endsWith('!');
  const codes = CODES[field.replace('!', '') as Type];
  const allowed = new Uint8Array(256).fill(codes === undefined ? 1 : 0);
  for (const code of codes ?? []) allowed[code] = 1;
  allowed[NULL] = mandatory ? 0 : 1;
  return allowed;
}

function symbols(count: number): 'symbols'[] {
  return Array.from({ length: count }, () => 'symbols');
}

export interface Performative {
  readonly code: number;
  readonly bytes: Buffer;
  /** Where each field lies; those that were left out are missing. */
  readonly at: readonly number[];
  readonly end: number;
}

/** Outcomes may carry the properties of a message; what is kept as long as a link or a connection is small. */
const OUTCOME_LIMITS: ValueLimits = { depth: 24, values: 8192 };
const OTHER_LIMITS: ValueLimits = { depth: 24, values: 512 };

/** The performative that starts at `at`; throws a MalformedError. */
export function readPerformative(bytes: Buffer, at: number): Performative {
  const { code, valueAt } = descriptorAt(bytes, at);
  const allowed = code === undefined ? undefined : ALLOWED.get(code);
  if (code === undefined || !allowed) throw new MalformedError('the performative is unknown');
  const end = verifyValue(bytes, valueAt, code === DISPOSITION ? OUTCOME_LIMITS : OTHER_LIMITS);
  const list = listAt(bytes, valueAt);
  if (list.count > allowed.length) throw new MalformedError('a performative has too many fields');
  const places: number[] = [];
  for (let place = list.start, index = 0; index < allowed.length; index += 1) {
    const type = index < list.count ? (bytes[place] ?? NULL) : NULL;
    if (!allowed[index]?.[type]) {
      throw new MalformedError(`field ${index} of the performative 0x${code.toString(16)} has a wrong type`);
    }
    if (index >= list.count) continue;
    places.push(place);
    place = skipValue(bytes, place);
  }
  return { code, bytes, at: places, end };
}

export function wholeField({ bytes, at }: Performative, field: number): number | undefined {
  const place = at[field];
  const value = place === undefined ? null : readScalar(bytes, place);
  return typeof value === 'number' ? value : undefined;
}

/** A field's descriptor as a number, and where what it describes lies; nothing of a field that is null. */
export function describedField(
  { bytes, at }: Performative,
  field: number,
): { code: number | undefined; valueAt: number } | undefined {
  const place = at[field];
  return place === undefined || bytes[place] === NULL ? undefined : descriptorAt(bytes, place);
}

export function descriptorAt(bytes: Buffer, at: number): { code: number | undefined; valueAt: number } {
  if (bytes[at] !== DESCRIBED || bytes[at + 1] === DESCRIBED) {
    throw new MalformedError('a performative must be a described list');
  }
  const descriptor = readScalar(bytes, at + 1);
  const code = typeof descriptor === 'string' ? NAMES[descriptor] : descriptor;
  return { code: typeof code === 'number' ? code : undefined, valueAt: skipValue(bytes, at + 1) };
}

function listAt(bytes: Buffer, at: number): { start: number; count: number } {
  const code = bytes[at] ?? NULL;
  if (code !== 0x45 && code !== 0xc0 && code !== 0xd0) {
    throw new MalformedError('a performative must be a described list');
  }
  return readCompound(bytes, at);
}

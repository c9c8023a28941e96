/** The border for faults: whatever comes in is one of the union, or the field that is wrong is named. */
import { BrokerError } from '../errors.ts';
import { FAULT_OPERATIONS, FAULT_POINTS, type Fault, type FaultKind } from './fault.ts';

/** What a value has to be, undefined if it is. */
type Check = (value: unknown) => string | undefined;
interface Field {
  readonly check: Check;
  readonly required?: true;
}
type Shape = Readonly<Record<string, Field>>;

const text: Field = { check: (value) => (typeof value === 'string' ? undefined : 'a text') };
const flag: Field = { check: (value) => (typeof value === 'boolean' ? undefined : 'true or false') };
const count: Field = {
  check: (value) => (Number.isSafeInteger(value) && Number(value) >= 0 ? undefined : 'a whole number from 0'),
};
const times: Field = {
  check: (value) =>
    value === 'always' || (Number.isSafeInteger(value) && Number(value) > 0)
      ? undefined
      : "a whole number from 1, or 'always'",
};
const required = (field: Field): Field => ({ ...field, required: true });
const oneOf = (names: readonly string[]): Field => ({
  check: (value) => (names.includes(value as string) ? undefined : `one of ${names.join(', ')}`),
});
const shaped = (shape: Shape): Field => ({ check: (value) => wrongIn(shape, value) });

const delivery = { entity: text, session: text, messageId: text, skip: count, times };
const trigger = shaped({ ...delivery, operation: oneOf(FAULT_OPERATIONS), container: text });
const early = oneOf(['arrived', 'committed']);
const point = oneOf(FAULT_POINTS);
const connections = shaped({ container: text, entity: text });
const locks = shaped({ entity: required(text), session: text, messageId: text, sequenceNumber: count });

const SHAPES: Readonly<Record<FaultKind, Shape>> = {
  reject: { on: required(trigger), at: early, condition: required(text), description: text },
  delay: { on: required(trigger), at: early, ms: count },
  'drop-connection': { on: trigger, at: point, of: connections },
  'lose-lock': { on: trigger, at: point, of: locks },
  duplicate: { on: shaped(delivery), after: oneOf(['delivery', 'settlement']) },
  stop: { on: required(trigger), at: point, process: flag },
};

export function parseFault(value: unknown): Fault {
  const kinds = Object.keys(SHAPES);
  if (!isObject(value)) throw invalid('it has to be an object');
  const { kind, ...rest } = value;
  if (typeof kind !== 'string' || !kinds.includes(kind))
    throw invalid(`kind has to be one of ${kinds.join(', ')}`);
  const wrong = wrongIn(SHAPES[kind as FaultKind], rest) ?? wrongTogether(kind as FaultKind, rest);
  if (wrong !== undefined) throw invalid(`${kind}: ${wrong}`);
  return value as unknown as Fault;
}

/** What a fault that acts at once cannot do without. */
function wrongTogether(kind: FaultKind, { on, of, at }: Record<string, unknown>): string | undefined {
  if (kind !== 'drop-connection' && kind !== 'lose-lock') return undefined;
  if (on === undefined && of === undefined) return `it needs 'on' (an operation) or 'of' (what it is about)`;
  return on === undefined && at !== undefined
    ? `'at' is a point of an operation, so it needs 'on'`
    : undefined;
}

/** The first field that is missing, unknown or wrong. */
function wrongIn(shape: Shape, value: unknown): string | undefined {
  if (!isObject(value)) return 'an object';
  const unknown = Object.keys(value).find((name) => !Object.hasOwn(shape, name));
  if (unknown !== undefined) return `'${unknown}' is not one of ${Object.keys(shape).join(', ')}`;
  for (const [name, { check, required: needed }] of Object.entries(shape)) {
    if (value[name] === undefined) {
      if (needed) return `'${name}' is missing`;
      continue;
    }
    const wanted = check(value[name]);
    if (wanted !== undefined)
      return isObject(value[name]) ? `${name}: ${wanted}` : `'${name}' has to be ${wanted}`;
  }
  return undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(why: string): BrokerError {
  return new BrokerError('BROKER_FAULT_INVALID', `The fault is not valid: ${why}.`, { why });
}

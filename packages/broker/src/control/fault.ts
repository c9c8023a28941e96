/** What can be made to go wrong on purpose, as data: it crosses threads and the control side as it is. */
import { BrokerError } from '../errors.ts';

/** What clients ask for, as faults tell it apart; `admin` is a change of the topology over HTTP. */
export const FAULT_OPERATIONS = [
  'send',
  'schedule',
  'cancel',
  'settle',
  'renew',
  'accept',
  'state-read',
  'state-write',
  'receive-deferred',
  'peek',
  'delete',
  'rules',
  'sessions',
  'admin',
] as const;
/** One of `FAULT_OPERATIONS`. */
export type FaultOperation = (typeof FAULT_OPERATIONS)[number];

/**
 * The instants of an operation at which a fault can strike: it is here and nothing has been done; it is on disk and
 * nobody knows; its answer has left for the client.
 */
export const FAULT_POINTS = ['arrived', 'committed', 'acknowledged'] as const;
/** One of `FAULT_POINTS`. */
export type FaultPoint = (typeof FAULT_POINTS)[number];

/** How often, of those operations that fit. */
interface FaultCount {
  /** Lets so many pass first; default 0. */
  readonly skip?: number;
  /** Default 1. */
  readonly times?: number | 'always';
}

/** Which operations a fault waits for; what is left out fits anything. */
export interface FaultTrigger extends FaultCount {
  readonly operation?: FaultOperation;
  readonly entity?: string;
  readonly session?: string;
  readonly messageId?: string;
  /** The container id with which the client opened its connection. */
  readonly container?: string;
}

/** Connections: all of them, or those that fit everything given. */
export interface ConnectionTarget {
  readonly container?: string;
  /** Connections with a link to it or below it. */
  readonly entity?: string;
}

/** Locks of one entity: all of them, or those that fit everything given. */
export interface LockTarget {
  readonly entity: string;
  readonly session?: string;
  readonly messageId?: string;
  readonly sequenceNumber?: number;
}

/** What goes wrong, where and how often, as data. */
export type Fault =
  /** The client is told this condition; at `committed` although the operation has been done. */
  | {
      readonly kind: 'reject';
      readonly on: FaultTrigger;
      /** Default arrived. */
      readonly at?: 'arrived' | 'committed';
      /** Such as com.microsoft:server-busy. */
      readonly condition: string;
      readonly description?: string;
    }
  /** The operation, or its answer, waits in real time; without `ms` until the fault is cleared. */
  | {
      readonly kind: 'delay';
      readonly on: FaultTrigger;
      /** Default arrived. */
      readonly at?: 'arrived' | 'committed';
      readonly ms?: number;
    }
  /** Cut without a goodbye: at once, or by an operation, by default the connection that it came over. */
  | {
      readonly kind: 'drop-connection';
      readonly on?: FaultTrigger;
      /** Default arrived. */
      readonly at?: FaultPoint;
      readonly of?: ConnectionTarget;
    }
  /** As if its time were over: at once, or by an operation, by default the lock of its message or session. */
  | {
      readonly kind: 'lose-lock';
      readonly on?: FaultTrigger;
      /** Default arrived. */
      readonly at?: FaultPoint;
      readonly of?: LockTarget;
    }
  /**
   * A message comes twice: a copy follows its delivery as soon as the link has room, or it comes back to the queue
   * although its completion was acknowledged.
   */
  | {
      readonly kind: 'duplicate';
      readonly on?: DeliveryTrigger;
      /** Default delivery. */
      readonly after?: 'delivery' | 'settlement';
    }
  /** The broker ends as it is, without a flush or a goodbye; with `process` its whole process, as by kill -9. */
  | {
      readonly kind: 'stop';
      readonly on: FaultTrigger;
      /** Default committed. */
      readonly at?: FaultPoint;
      readonly process?: boolean;
    };

/** Which deliveries a fault waits for. */
export interface DeliveryTrigger extends FaultCount {
  readonly entity?: string;
  readonly session?: string;
  readonly messageId?: string;
}

/** The names of the faults. */
export type FaultKind = Fault['kind'];

/** A fault that was injected, and how often it has struck. */
export interface FaultStatus {
  readonly id: string;
  readonly fault: Fault;
  /** How often it has struck; of a fault that acted at once, how many connections or locks it met. */
  readonly triggered: number;
  /** It will not strike again. */
  readonly spent: boolean;
}

/** The fault port. Calls are promises because the broker may run in another thread. */
export interface Faults {
  /** Returns the fault's id. Throws BROKER_FAULT_INVALID. */
  inject(fault: Fault): Promise<string>;
  /** Takes one back, or all; what a delay holds continues. */
  clear(id?: string): Promise<void>;
  list(): Promise<FaultStatus[]>;
  /** Resolves when the fault has struck so often, by default once. */
  triggered(id: string, count?: number): Promise<void>;
}

// The border for faults: whatever comes in is one of the union, or the field that is wrong is named.

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

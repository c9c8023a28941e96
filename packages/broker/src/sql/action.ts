// SET and REMOVE: what a rule changes in its own copy of a message.
import { HEADER_FIELD, PROPERTY_FIELD } from '../codec/envelope.ts';
import { encodedString, rewritten } from '../codec/rewrite.ts';
import { MAX_UINT } from '../codec/values.ts';
import { AmqpWriter } from '../codec/writer.ts';
import { type Property, SqlError, type Statement } from './ast.ts';
import { compileExpression, type Evaluate, type Parameters } from './compile.ts';
import { checkLength, parseAction } from './filter.ts';
import {
  type EnvelopeView,
  expiresAt,
  isTextField,
  type MessageView,
  type SystemProperty,
  systemProperty,
  TEXT_ANNOTATIONS,
  TEXT_FIELDS,
  type TextProperty,
  type UserProperty,
} from './message-view.ts';
import { type Known, toText } from './operators.ts';
import { parsed } from './property-value.ts';
import { encodeSqlValue, Guid, type SqlValue } from './sql-values.ts';
import { Duration, dateOf } from './times.ts';

const OTHERS = ['forcepersistence', 'scheduledenqueuetimeutc', 'timetolive'] as const;
type Settable = TextProperty | (typeof OTHERS)[number];

const NULL = Buffer.from([0x40]);
const SCHEDULED = 'x-opt-scheduled-enqueue-time';

function isSettable(name: SystemProperty): name is Settable {
  return isTextField(name) || name in TEXT_ANNOTATIONS || (OTHERS as readonly string[]).includes(name);
}

/** Throws a SqlError for a value that the property cannot have. */
function toSystemValue(name: Settable, value: Known): SqlValue {
  switch (name) {
    case 'timetolive': {
      const span = typeof value === 'string' ? Duration.fromText(value) : value;
      if (span instanceof Duration && span.ticks > 0n) return span;
      throw new SqlError(`The system property 'TimeToLive' cannot be set to '${toText(value)}'.`);
    }
    case 'scheduledenqueuetimeutc': {
      const date = typeof value === 'string' ? dateOf(value) : value;
      if (date instanceof Date) return date;
      throw new SqlError(
        `The system property 'ScheduledEnqueueTimeUtc' cannot be set to '${toText(value)}'.`,
      );
    }
    case 'forcepersistence':
      if (typeof value === 'boolean') return value;
      throw new SqlError(`The system property 'ForcePersistence' cannot be set to '${toText(value)}'.`);
    default:
      return toText(value);
  }
}

/** Undefined values are removed. */
function systemChanges(changed: ReadonlyMap<Settable, SqlValue>) {
  const header = new Map<number, Buffer>();
  const annotations = new Map<string, Buffer | undefined>();
  const properties = new Map<number, Buffer>();
  for (const [name, value] of changed) {
    if (isTextField(name)) properties.set(PROPERTY_FIELD[TEXT_FIELDS[name]], textOrNull(value));
    else if (name === 'timetolive') header.set(HEADER_FIELD.ttl, ttl(value));
    else if (name === 'forcepersistence') header.set(HEADER_FIELD.durable, encodeSqlValue(value));
    else {
      const annotation = name === 'scheduledenqueuetimeutc' ? SCHEDULED : TEXT_ANNOTATIONS[name];
      annotations.set(annotation, value === undefined ? undefined : encodeSqlValue(value));
    }
  }
  return { header, annotations, properties };
}

function textOrNull(value: SqlValue): Buffer {
  return typeof value === 'string' ? encodedString(value) : NULL;
}

function ttl(value: SqlValue): Buffer {
  if (!(value instanceof Duration) || !Number.isFinite(value.ms)) return NULL;
  return new AmqpWriter(8).uint(Math.min(value.ms, MAX_UINT)).take();
}

const MAX_STATEMENTS = 32;

type Step = (message: ChangedMessage) => void;

/** A rule's action, parsed and compiled; it gives the bytes of the changed copy. */
export function compileAction(
  expression: string,
  parameters: Parameters = {},
): (message: EnvelopeView) => Buffer {
  checkLength(expression);
  const statements = parseAction(expression);
  if (statements.length > MAX_STATEMENTS) {
    throw new SqlError(`An action has at most ${MAX_STATEMENTS} statements.`);
  }
  const steps = statements.map((statement) => compileStatement(statement, parameters));
  return (message) => {
    const changed = new ChangedMessage(message);
    for (const step of steps) step(changed);
    return changed.encode();
  };
}

function compileStatement(statement: Statement, parameters: Parameters): Step {
  const { scope, name } = statement.property;
  const value: Evaluate | undefined =
    statement.kind === 'set' ? compileExpression(statement.value, parameters) : undefined;
  if (scope === 'sys') {
    const settable = settableProperty(statement.property);
    return (message) => message.setSystem(settable, value?.(message));
  }
  return (message) => {
    if (value) message.setUser(name, value(message));
    else message.removeUser(name);
  };
}

function settableProperty({ name }: Property): Settable {
  const known = systemProperty(name);
  if (!known) throw new SqlError(`The system property '${name}' does not exist.`);
  if (!isSettable(known)) throw new SqlError(`The system property '${name}' cannot be changed by an action.`);
  return known;
}

/** Later statements see what earlier ones did. */
class ChangedMessage implements MessageView {
  readonly #original: EnvelopeView;
  /** By lower-case name; undefined = removed. */
  readonly #user = new Map<string, UserProperty | undefined>();
  readonly #system = new Map<Settable, SqlValue>();

  constructor(original: EnvelopeView) {
    this.#original = original;
  }

  user(name: string): UserProperty | undefined {
    return this.#user.has(name) ? this.#user.get(name) : this.#original.user(name);
  }

  system(name: SystemProperty): SqlValue {
    if (name === 'expiresatutc') return expiresAt(this);
    return isSettable(name) && this.#system.has(name) ? this.#system.get(name) : this.#original.system(name);
  }

  setUser(name: string, value: SqlValue): void {
    const known = this.user(name.toLowerCase());
    this.#user.set(name.toLowerCase(), {
      name: known?.name ?? name,
      value: convertedTo(known?.value, value),
    });
  }

  removeUser(name: string): void {
    this.#user.set(name.toLowerCase(), undefined);
  }

  setSystem(name: Settable, value: SqlValue): void {
    this.#system.set(name, value === undefined ? undefined : toSystemValue(name, value));
  }

  encode(): Buffer {
    const application = new Map<string, Buffer | undefined>();
    for (const [name, property] of this.#user) {
      application.set(property?.name ?? name, property && encodeSqlValue(property.value));
    }
    return rewritten(this.#original.envelope.bytes, {
      ...systemChanges(this.#system),
      application,
      anyCase: true,
    });
  }
}

/** A property keeps its type where the new value can be had in it. */
function convertedTo(known: SqlValue, value: SqlValue): SqlValue {
  if (typeof known === 'number' && typeof value === 'bigint') return Number(value);
  if (typeof value !== 'string' || typeof known === 'string' || known === undefined) return value;
  const type = TYPES.find((each) => each.is(known));
  return type?.parse(value) ?? value;
}

const TYPES: readonly { is: (value: Known) => boolean; parse: (text: string) => SqlValue }[] = [
  { is: (value) => typeof value === 'bigint', parse: (text) => parsed({ type: 'long', value: text }) },
  { is: (value) => typeof value === 'number', parse: (text) => parsed({ type: 'double', value: text }) },
  { is: (value) => value instanceof Guid, parse: (text) => parsed({ type: 'guid', value: text }) },
  { is: (value) => value instanceof Date, parse: dateOf },
  { is: (value) => value instanceof Duration, parse: (text) => Duration.fromText(text) },
  {
    is: (value) => typeof value === 'boolean',
    parse: (text) => (/^(true|false)$/i.test(text) ? text.toLowerCase() === 'true' : undefined),
  },
];

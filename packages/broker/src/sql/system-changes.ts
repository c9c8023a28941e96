/** The system properties that an action can set, what values become of the ones it gives, and how messages carry them. */
import { encodedString } from '../codec/edit.ts';
import { HEADER_FIELD, PROPERTY_FIELD } from '../codec/envelope.ts';
import { AmqpWriter } from '../codec/writer.ts';
import { SqlError } from './ast.ts';
import { dateOf } from './dates.ts';
import { Duration } from './duration.ts';
import {
  isTextField,
  type SystemProperty,
  TEXT_ANNOTATIONS,
  TEXT_FIELDS,
  type TextProperty,
} from './message-view.ts';
import { type Known, toText } from './operators.ts';
import { encodeSqlValue, type SqlValue } from './values.ts';

const OTHERS = ['forcepersistence', 'scheduledenqueuetimeutc', 'timetolive'] as const;
export type Settable = TextProperty | (typeof OTHERS)[number];

const NULL = Buffer.from([0x40]);
const MAX_UINT = 0xffff_ffff;
const SCHEDULED = 'x-opt-scheduled-enqueue-time';

export function isSettable(name: SystemProperty): name is Settable {
  return isTextField(name) || name in TEXT_ANNOTATIONS || (OTHERS as readonly string[]).includes(name);
}

/** Throws a SqlError for a value that the property cannot have. */
export function toSystemValue(name: Settable, value: Known): SqlValue {
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
export function systemChanges(changed: ReadonlyMap<Settable, SqlValue>) {
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

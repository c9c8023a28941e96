/** A message as filters see it: user properties by name without case, system properties by their .NET names. */
import type { Envelope } from '../codec/envelope.ts';
import { LAST_INSTANT } from './operators.ts';
import { readValue, type SqlValue } from './sql-values.ts';
import { Duration } from './times.ts';

export interface UserProperty {
  /** As the message spells it. */
  name: string;
  value: SqlValue;
}

export interface MessageView {
  /** By lower-case name; undefined = no such property. */
  user(name: string): UserProperty | undefined;
  system(name: SystemProperty): SqlValue;
}

/** Lower-case names of system properties that are text in the message's properties section. */
export const TEXT_FIELDS = {
  contenttype: 'contentType',
  correlationid: 'correlationId',
  label: 'subject',
  messageid: 'messageId',
  replyto: 'replyTo',
  replytosessionid: 'replyToSessionId',
  sessionid: 'sessionId',
  to: 'to',
} as const;

export const TEXT_ANNOTATIONS = {
  partitionkey: 'x-opt-partition-key',
  viapartitionkey: 'x-opt-via-partition-key',
} as const;

/** Known, but without a value while a message enters its topic. */
const NOT_YET = ['deadlettersource', 'isbodyconsumed', 'lockeduntilutc', 'locktoken', 'state'] as const;

const COMPUTED = [
  'deliverycount',
  'enqueuedsequencenumber',
  'enqueuedtimeutc',
  'expiresatutc',
  'forcepersistence',
  'scheduledenqueuetimeutc',
  'sequencenumber',
  'size',
  'timetolive',
] as const;

export type TextProperty = keyof typeof TEXT_FIELDS | keyof typeof TEXT_ANNOTATIONS;
export type SystemProperty = TextProperty | (typeof NOT_YET)[number] | (typeof COMPUTED)[number];

const KNOWN: ReadonlySet<string> = new Set([
  ...Object.keys(TEXT_FIELDS),
  ...Object.keys(TEXT_ANNOTATIONS),
  ...NOT_YET,
  ...COMPUTED,
]);

export function systemProperty(name: string): SystemProperty | undefined {
  const lower = name.toLowerCase();
  // The newer libraries' name for it.
  if (lower === 'subject') return 'label';
  return KNOWN.has(lower) ? (lower as SystemProperty) : undefined;
}

/** How a message stands with its topic. */
export interface Arrival {
  now: number;
  sequenceNumber: number;
  /** The topic's own limit. */
  ttlMs: number;
}

/** Reads each message once, however many rules look at it. */
export class EnvelopeView implements MessageView {
  readonly envelope: Envelope;
  readonly #arrival: Arrival;
  #user: Map<string, UserProperty> | undefined;
  #properties: Map<string, SqlValue> | undefined;

  constructor(envelope: Envelope, arrival: Arrival) {
    this.envelope = envelope;
    this.#arrival = arrival;
  }

  user(name: string): UserProperty | undefined {
    this.#user ??= withoutCase(this.properties);
    return this.#user.get(name);
  }

  /** The user properties by their very names. */
  get properties(): ReadonlyMap<string, SqlValue> {
    this.#properties ??= this.envelope.applicationProperties(readValue);
    return this.#properties;
  }

  system(name: SystemProperty): SqlValue {
    if (isTextField(name)) return this.envelope.text(TEXT_FIELDS[name]);
    switch (name) {
      case 'partitionkey':
      case 'viapartitionkey': {
        const value = this.envelope.annotation(TEXT_ANNOTATIONS[name]);
        return typeof value === 'string' ? value : undefined;
      }
      case 'deliverycount':
        return 0n;
      case 'enqueuedsequencenumber':
      case 'sequencenumber':
        return BigInt(this.#arrival.sequenceNumber);
      case 'enqueuedtimeutc':
        return new Date(this.#arrival.now);
      case 'expiresatutc':
        return expiresAt(this);
      case 'forcepersistence':
        return this.envelope.durable;
      case 'scheduledenqueuetimeutc':
        return this.envelope.scheduledAt > 0 ? new Date(this.envelope.scheduledAt) : undefined;
      case 'size':
        return BigInt(this.envelope.bytes.length);
      case 'timetolive':
        return Duration.ofMs(Math.min(this.envelope.ttlMs || Number.POSITIVE_INFINITY, this.#arrival.ttlMs));
      default:
        return undefined;
    }
  }
}

export function isTextField(name: SystemProperty): name is keyof typeof TEXT_FIELDS {
  return name in TEXT_FIELDS;
}

export function expiresAt(message: MessageView): Date {
  const [from, ttl] = [message.system('enqueuedtimeutc'), message.system('timetolive')];
  const ms = from instanceof Date && ttl instanceof Duration ? from.getTime() + ttl.ms : LAST_INSTANT;
  return new Date(Math.min(ms, LAST_INSTANT));
}

function withoutCase(properties: ReadonlyMap<string, SqlValue>): Map<string, UserProperty> {
  const found = new Map<string, UserProperty>();
  for (const [name, value] of properties) found.set(name.toLowerCase(), { name, value });
  return found;
}

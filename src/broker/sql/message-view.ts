/** A message as filters see it: user properties by name without case, system properties by their .NET names. */
import type { Envelope } from '../codec/envelope.ts';
import { eachPair, readCompound } from '../codec/values.ts';
import { readValue, type SqlValue } from './values.ts';

export interface UserProperty {
  /** As the message spells it. */
  name: string;
  value: SqlValue;
}

export interface MessageView {
  /** By lower-case name; undefined = there is none. */
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
  subject: 'subject',
  to: 'to',
} as const;

const ANNOTATIONS = {
  deadlettersource: 'x-opt-deadletter-source',
  partitionkey: 'x-opt-partition-key',
  viapartitionkey: 'x-opt-via-partition-key',
} as const;

/** Known, but without a value while a message enters its topic. */
const NOT_YET = [
  'enqueuedsequencenumber',
  'expiresatutc',
  'forcepersistence',
  'isbodyconsumed',
  'lockeduntilutc',
  'locktoken',
  'sequencenumber',
  'state',
  'timetolive',
] as const;

const COMPUTED = ['deliverycount', 'enqueuedtimeutc', 'scheduledenqueuetimeutc', 'size'] as const;

export type SystemProperty =
  | keyof typeof TEXT_FIELDS
  | keyof typeof ANNOTATIONS
  | (typeof NOT_YET)[number]
  | (typeof COMPUTED)[number];

const KNOWN: ReadonlySet<string> = new Set([
  ...Object.keys(TEXT_FIELDS),
  ...Object.keys(ANNOTATIONS),
  ...NOT_YET,
  ...COMPUTED,
]);

export function systemProperty(name: string): SystemProperty | undefined {
  const lower = name.toLowerCase();
  return KNOWN.has(lower) ? (lower as SystemProperty) : undefined;
}

/** Reads each message once, however many rules look at it. */
export class EnvelopeView implements MessageView {
  readonly envelope: Envelope;
  readonly #now: number;
  #user: Map<string, UserProperty> | undefined;

  constructor(envelope: Envelope, now: number) {
    this.envelope = envelope;
    this.#now = now;
  }

  user(name: string): UserProperty | undefined {
    this.#user ??= userProperties(this.envelope);
    return this.#user.get(name);
  }

  system(name: SystemProperty): SqlValue {
    if (isTextField(name)) return this.envelope.text(TEXT_FIELDS[name]);
    switch (name) {
      case 'deadlettersource':
      case 'partitionkey':
      case 'viapartitionkey': {
        const value = this.envelope.annotation(ANNOTATIONS[name]);
        return typeof value === 'string' ? value : undefined;
      }
      case 'deliverycount':
        return 0n;
      case 'enqueuedtimeutc':
        return new Date(this.#now);
      case 'scheduledenqueuetimeutc':
        return this.envelope.scheduledAt > 0 ? new Date(this.envelope.scheduledAt) : undefined;
      case 'size':
        return BigInt(this.envelope.bytes.length);
      default:
        return undefined;
    }
  }
}

export function isTextField(name: SystemProperty): name is keyof typeof TEXT_FIELDS {
  return name in TEXT_FIELDS;
}

function userProperties({ bytes, sections }: Envelope): Map<string, UserProperty> {
  const found = new Map<string, UserProperty>();
  const section = sections.applicationProperties;
  if (section) {
    eachPair(bytes, readCompound(bytes, section.valueAt), (name, valueAt) => {
      found.set(name.toLowerCase(), { name, value: readValue(bytes, valueAt) });
    });
  }
  return found;
}

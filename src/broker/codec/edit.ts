import { randomUUID } from 'node:crypto';
import { Envelope } from './envelope.ts';
import {
  APPLICATION_PROPERTIES,
  listFields,
  MESSAGE_ANNOTATIONS,
  PROPERTIES,
  scanSections,
} from './sections.ts';
import { eachPair, readCompound, skipValue } from './values.ts';
import { AmqpWriter } from './writer.ts';

/** Set by the broker at delivery: what a sender claims here does not count. */
const BROKER_ANNOTATIONS = new Set([
  'x-opt-sequence-number',
  'x-opt-enqueued-time',
  'x-opt-locked-until',
  'x-opt-enqueue-sequence-number',
  'x-opt-deadletter-source',
  'x-opt-message-state',
]);

/**
 * The bytes to keep for a message that was sent: as they came, except that an absent message id is drawn and
 * annotations that are the broker's are left out. Throws on bytes that are no message.
 */
export function toStored(bytes: Buffer): Envelope {
  const envelope = new Envelope(bytes);
  envelope.checkBody();
  const claimed = [...BROKER_ANNOTATIONS].some((name) => hasAnnotation(envelope, name));
  if (envelope.messageId !== undefined && !claimed) return new Envelope(Buffer.from(bytes));
  return new Envelope(rebuilt(envelope, claimed));
}

function hasAnnotation(envelope: Envelope, name: string): boolean {
  return envelope.sections.annotations !== undefined && envelope.annotation(name) !== undefined;
}

function rebuilt(envelope: Envelope, stripAnnotations: boolean): Buffer {
  const { bytes, sections } = envelope;
  const writer = new AmqpWriter(bytes.length + 128);
  if (sections.header) writer.raw(bytes.subarray(sections.header.start, sections.header.end));
  if (sections.annotations) {
    if (stripAnnotations) writeAnnotations(writer, bytes, sections.annotations.valueAt);
    else writer.raw(bytes.subarray(sections.annotations.start, sections.annotations.end));
  }
  writeProperties(writer, envelope);
  const application = sections.applicationProperties;
  if (application) writer.raw(bytes.subarray(application.start, application.end));
  return writer.raw(bytes.subarray(sections.bodyStart)).take();
}

function writeAnnotations(writer: AmqpWriter, bytes: Buffer, mapAt: number): void {
  const pairs: Buffer[] = [];
  eachPair(bytes, readCompound(bytes, mapAt), (key, _valueAt, start, end) => {
    if (!BROKER_ANNOTATIONS.has(key)) pairs.push(bytes.subarray(start, end));
  });
  writer.section(MESSAGE_ANNOTATIONS).compound(0xd1, pairs.length * 2, () => {
    for (const pair of pairs) writer.raw(pair);
  });
}

function writeProperties(writer: AmqpWriter, envelope: Envelope): void {
  const { bytes, sections } = envelope;
  const fields = listFields(bytes, sections.properties);
  const [first, second] = fields;
  writer.section(PROPERTIES).compound(0xd0, Math.max(fields.length, 1), () => {
    if (envelope.messageId === undefined) writer.string(randomUUID().replaceAll('-', ''));
    else if (first !== undefined) writer.raw(bytes.subarray(first, skipValue(bytes, first)));
    if (second !== undefined && sections.properties)
      writer.raw(bytes.subarray(second, sections.properties.end));
  });
}

/** An encoded AMQP value for each name to set. */
export type PropertyChanges = Map<string, Buffer>;

/** The message with application properties set; all else stays byte for byte. */
export function withApplicationProperties(bytes: Buffer, changes: PropertyChanges): Buffer {
  return withProperties(bytes, {
    application: changes,
    dropped: (name) => changes.has(name),
    fields: NO_FIELDS,
  });
}

const NO_FIELDS: ReadonlyMap<number, Buffer> = new Map();

/** The message with changed properties; `fields` are places in the properties section. */
export function withProperties(
  bytes: Buffer,
  changes: {
    application: PropertyChanges;
    /** Which of the message's own application properties go. */
    dropped: (name: string) => boolean;
    fields: ReadonlyMap<number, Buffer>;
  },
): Buffer {
  const sections = scanSections(bytes);
  const writer = new AmqpWriter(bytes.length + 512);
  const old = sections.applicationProperties;
  const { properties } = sections;
  const applicationAt = old?.start ?? sections.bodyStart;
  if (changes.fields.size === 0) {
    writer.raw(bytes.subarray(0, applicationAt));
  } else {
    writer.raw(bytes.subarray(0, properties?.start ?? applicationAt));
    writeFields(writer, bytes, listFields(bytes, properties), changes.fields);
    writer.raw(bytes.subarray(properties?.end ?? applicationAt, applicationAt));
  }
  const pairs: Buffer[] = [];
  if (old) {
    eachPair(bytes, readCompound(bytes, old.valueAt), (key, _valueAt, start, end) => {
      if (!changes.dropped(key)) pairs.push(bytes.subarray(start, end));
    });
  }
  const count = pairs.length + changes.application.size;
  if (old || count > 0) {
    writer.section(APPLICATION_PROPERTIES).compound(0xd1, count * 2, () => {
      for (const pair of pairs) writer.raw(pair);
      for (const [name, value] of changes.application) writer.string(name).raw(value);
    });
  }
  return writer.raw(bytes.subarray(old?.end ?? sections.bodyStart)).take();
}

const NULL = 0x40;

function writeFields(
  writer: AmqpWriter,
  bytes: Buffer,
  places: number[],
  fields: ReadonlyMap<number, Buffer>,
): void {
  const count = Math.max(places.length, ...[...fields.keys()].map((index) => index + 1));
  writer.section(PROPERTIES).compound(0xd0, count, () => {
    for (let index = 0; index < count; index += 1) {
      const changed = fields.get(index);
      const at = places[index];
      if (changed) writer.raw(changed);
      else if (at === undefined) writer.byte(NULL);
      else writer.raw(bytes.subarray(at, skipValue(bytes, at)));
    }
  });
}

export function encodedString(value: string): Buffer {
  return new AmqpWriter(value.length + 8).string(value).take();
}

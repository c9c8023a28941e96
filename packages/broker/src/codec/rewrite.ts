/** A message with some of what it says changed; all else stays byte for byte. */
import { randomUUID } from 'node:crypto';
import { Envelope, PROPERTY_FIELD } from './envelope.ts';
import {
  APPLICATION_PROPERTIES,
  DELIVERY_ANNOTATIONS,
  HEADER,
  listFields,
  MESSAGE_ANNOTATIONS,
  PROPERTIES,
  type Section,
  scanSections,
} from './sections.ts';
import { eachPair, MAP, NULL, readCompound, skipValue } from './values.ts';
import { AmqpWriter } from './writer.ts';

/** An encoded AMQP value for each name to set. */
export type PropertyChanges = Map<string, Buffer>;

interface MessageChanges {
  /** Fields of the header, by their places. */
  header?: ReadonlyMap<number, Buffer>;
  /** Undefined = it goes. */
  deliveryAnnotations?: ReadonlyMap<string, Buffer | undefined>;
  annotations?: ReadonlyMap<string, Buffer | undefined>;
  /** Fields of the properties, by their places. */
  properties?: ReadonlyMap<number, Buffer>;
  application?: ReadonlyMap<string, Buffer | undefined>;
  /** Names of application properties are told apart without case. */
  anyCase?: boolean;
}

export function rewritten(bytes: Buffer, changes: MessageChanges): Buffer {
  const { header, deliveryAnnotations, annotations, properties, applicationProperties, bodyStart } =
    scanSections(bytes);
  const writer = new AmqpWriter(bytes.length + 512);
  writeList(writer, bytes, HEADER, header, changes.header);
  const annotated = { key: (name: string) => name, write: (name: string) => writer.symbol(name) };
  writeMap(writer, bytes, deliveryAnnotations, changes.deliveryAnnotations, {
    section: DELIVERY_ANNOTATIONS,
    ...annotated,
  });
  writeMap(writer, bytes, annotations, changes.annotations, { section: MESSAGE_ANNOTATIONS, ...annotated });
  writeList(writer, bytes, PROPERTIES, properties, changes.properties);
  writeMap(writer, bytes, applicationProperties, changes.application, {
    section: APPLICATION_PROPERTIES,
    key: (name) => (changes.anyCase ? name.toLowerCase() : name),
    write: (name) => writer.string(name),
  });
  return writer.raw(bytes.subarray(bodyStart)).take();
}

function writeList(
  writer: AmqpWriter,
  bytes: Buffer,
  code: number,
  section: Section | undefined,
  changes: ReadonlyMap<number, Buffer> | undefined,
): void {
  if (!changes?.size) return copy(writer, bytes, section);
  const places = listFields(bytes, section);
  const count = Math.max(places.length, ...[...changes.keys()].map((index) => index + 1));
  writer.section(code).compound(0xd0, count, () => {
    for (let index = 0; index < count; index += 1) {
      const changed = changes.get(index);
      const at = places[index];
      if (changed) writer.raw(changed);
      else if (at === undefined) writer.byte(NULL);
      else writer.raw(bytes.subarray(at, skipValue(bytes, at)));
    }
  });
}

function writeMap(
  writer: AmqpWriter,
  bytes: Buffer,
  section: Section | undefined,
  changes: ReadonlyMap<string, Buffer | undefined> | undefined,
  how: { section: number; key: (name: string) => string; write: (name: string) => AmqpWriter },
): void {
  if (!changes?.size) return copy(writer, bytes, section);
  const changed = new Set([...changes.keys()].map(how.key));
  const kept: Buffer[] = [];
  if (section) {
    const keep = (start: number, end: number) => void kept.push(bytes.subarray(start, end));
    eachPair(
      bytes,
      readCompound(bytes, section.valueAt),
      (name, _valueAt, start, end) => {
        if (!changed.has(how.key(name))) keep(start, end);
      },
      keep,
    );
  }
  const given = [...changes].flatMap(([name, value]) => (value ? [{ name, value }] : []));
  if (!section && given.length === 0) return;
  writer.section(how.section).compound(MAP, (kept.length + given.length) * 2, () => {
    for (const pair of kept) writer.raw(pair);
    for (const { name, value } of given) how.write(name).raw(value);
  });
}

function copy(writer: AmqpWriter, bytes: Buffer, section: Section | undefined): void {
  if (section) writer.raw(bytes.subarray(section.start, section.end));
}

// A message as it is kept: what came, with an id, and without what only the broker may say.

/** Set by the broker at delivery: what a sender claims here does not count. */
const BROKER_ANNOTATIONS = new Set([
  'x-opt-sequence-number',
  'x-opt-enqueued-time',
  'x-opt-locked-until',
  'x-opt-enqueue-sequence-number',
  'x-opt-deadletter-source',
  'x-opt-message-state',
]);
const BROKER_DELIVERY_ANNOTATIONS = new Set(['x-opt-lock-token']);

/**
 * The bytes to keep for a message that was sent: as they came, except that an absent message id is drawn and
 * annotations that are the broker's are left out. Throws on bytes that are no message.
 */
export function toStored(bytes: Buffer): Envelope {
  const envelope = new Envelope(bytes);
  envelope.checkBody();
  const { annotations, deliveryAnnotations } = envelope.sections;
  const claimed = removals(bytes, annotations, BROKER_ANNOTATIONS);
  const claimedOfDelivery = removals(bytes, deliveryAnnotations, BROKER_DELIVERY_ANNOTATIONS);
  const named = envelope.messageId !== undefined;
  if (named && claimed.size + claimedOfDelivery.size === 0) return new Envelope(Buffer.from(bytes));
  return new Envelope(
    rewritten(bytes, {
      annotations: claimed,
      deliveryAnnotations: claimedOfDelivery,
      properties: new Map(named ? [] : [[PROPERTY_FIELD.messageId, encodedString(drawId())]]),
    }),
  );
}

/** Those of the names that a map has, to go. */
function removals(
  bytes: Buffer,
  section: Section | undefined,
  names: ReadonlySet<string>,
): Map<string, undefined> {
  const found = new Map<string, undefined>();
  if (!section) return found;
  eachPair(bytes, readCompound(bytes, section.valueAt), (name) => {
    if (names.has(name)) found.set(name, undefined);
  });
  return found;
}

function drawId(): string {
  return randomUUID().replaceAll('-', '');
}

/** The message with application properties set. */
export function withApplicationProperties(bytes: Buffer, changes: PropertyChanges): Buffer {
  return rewritten(bytes, { application: changes });
}

export function encodedString(value: string): Buffer {
  return new AmqpWriter(value.length + 8).string(value).take();
}

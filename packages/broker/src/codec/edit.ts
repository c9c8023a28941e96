/** A message as it is kept: what came, with an id, and without what only the broker may say. */
import { randomUUID } from 'node:crypto';
import { Envelope, PROPERTY_FIELD } from './envelope.ts';
import { type PropertyChanges, rewritten } from './rewrite.ts';
import type { Section } from './sections.ts';
import { eachPair, readCompound } from './values.ts';
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

// Bodies that hold more than one value: a batch of messages as the SDKs send it, the messages of a reply, the map of a request.
import type { PropertyChanges } from './rewrite.ts';
import { AMQP_VALUE, DATA, eachSection, scanSections } from './sections.ts';
import { eachPair, isMap, MAP, readCompound, readScalar } from './values.ts';
import { AmqpWriter } from './writer.ts';

// Batches of messages: one transfer whose data sections are whole messages, the format in which the SDKs send.

/** `sendMessages` and message batches use this format: a message whose data sections are whole messages. */
export const BATCH_FORMAT = 0x80013700;

/** The messages of a batch. Its envelope only repeats the properties of the first message. */
export function messagesOfBatch(bytes: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (const section of eachSection(bytes, scanSections(bytes).bodyStart)) {
    const message = section.code === DATA ? readScalar(bytes, section.valueAt) : undefined;
    if (!Buffer.isBuffer(message)) throw new RangeError('a batch holds binary data sections only');
    messages.push(message);
  }
  return messages;
}

// The body of a reply with whole messages, written once: rhea would copy each of them several times.

const LIST = 0xd0;
/** Room for names, sizes and counts. */
const ENTRY_BYTES = 32;
const AROUND_BYTES = 64;

/** A section with the map `messages`: a list of maps, each with a `message`. */
export function encodedMessages(messages: readonly Buffer[]): Buffer {
  const bytes = messages.reduce((sum, { length }) => sum + length + ENTRY_BYTES, AROUND_BYTES);
  const writer = new AmqpWriter(bytes);
  writer.section(AMQP_VALUE).compound(MAP, 2, () => {
    writer.string('messages').compound(LIST, messages.length, () => {
      for (const message of messages) {
        writer.compound(MAP, 2, () => writer.string('message').binary(message));
      }
    });
  });
  return writer.take();
}

// The map in the body of a request, its values as they were encoded, so that their types stay.

/** Undefined if there is no such map at the end of the names. */
export function encodedMap(message: Buffer, ...names: string[]): PropertyChanges | undefined {
  for (const { code, valueAt } of eachSection(message, scanSections(message).bodyStart)) {
    if (code === AMQP_VALUE) return mapAt(message, valueAt, names);
  }
  return undefined;
}

function mapAt(bytes: Buffer, at: number, [name, ...rest]: string[]): PropertyChanges | undefined {
  if (!isMap(bytes, at)) return undefined;
  let found: PropertyChanges | undefined;
  const values: PropertyChanges = new Map();
  eachPair(bytes, readCompound(bytes, at), (key, valueAt, _start, end) => {
    if (name === undefined) values.set(key, bytes.subarray(valueAt, end));
    else if (key === name) found = mapAt(bytes, valueAt, rest);
  });
  return name === undefined ? values : found;
}

/** The body of a reply with whole messages, written once: rhea would copy each of them several times. */
import { AMQP_VALUE } from './sections.ts';
import { AmqpWriter } from './writer.ts';

const MAP = 0xd1;
const LIST = 0xd0;
/** For names, sizes and counts. */
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

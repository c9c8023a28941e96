// Batches of messages: one transfer whose data sections are whole messages, the format in which the SDKs send.
import { DATA, eachSection, scanSections } from './sections.ts';
import { readScalar } from './values.ts';

/** `sendMessages` and message batches use this format: a message whose data sections are whole messages. */
export const BATCH_FORMAT = 0x80013700;

/** The messages of a batch. Its envelope repeats the first message's properties and says nothing of its own. */
export function messagesOfBatch(bytes: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (const section of eachSection(bytes, scanSections(bytes).bodyStart)) {
    const message = section.code === DATA ? readScalar(bytes, section.valueAt) : undefined;
    if (!Buffer.isBuffer(message)) throw new RangeError('a batch holds binary data sections only');
    messages.push(message);
  }
  return messages;
}

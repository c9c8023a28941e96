import { BATCH_FORMAT, messagesOfBatch } from '../codec/batch.ts';
import { toStored } from '../codec/edit.ts';
import type { Limits } from '../core/limits.ts';
import type { QueueEntity } from '../core/queue-entity.ts';
import type { Topic } from '../core/topic.ts';
import { type ServiceError, serviceErrors } from '../errors.ts';
import { settleDelivery } from './dispositions.ts';
import { accepted, rejected } from './outcomes.ts';
import { type Delivery, localAttach, type Receiver } from './rhea.ts';

const CREDIT = 1000;
const REFILL_BELOW = 500;

/** A client's sender: messages come in, and are accepted once they are on disk. */
export function serveSender(receiver: Receiver, destination: QueueEntity | Topic, limits: Limits): void {
  const { maxMessageBytes } = destination.intake;
  localAttach(receiver).max_message_size = maxMessageBytes;
  let credit = CREDIT;
  receiver.add_credit(CREDIT);

  receiver.on('message', ({ message, delivery, format }) => {
    credit -= 1;
    if (credit < REFILL_BELOW) {
      receiver.add_credit(CREDIT - credit);
      credit = CREDIT;
    }
    const settle = (error?: ServiceError) => settled(delivery as Delivery, error);
    const bytes = message as unknown as Buffer;
    const limit = format === BATCH_FORMAT ? Math.min(limits.batchBytes, maxMessageBytes) : maxMessageBytes;
    if (bytes.length > limit) return settle(serviceErrors.tooLarge(bytes.length, limit));
    try {
      const encoded = format === BATCH_FORMAT ? messagesOfBatch(bytes) : [bytes];
      destination.intake.send(encoded.map(toStored), settle);
    } catch (error) {
      settle(serviceErrors.invalid(`The message cannot be decoded: ${String(error)}`));
    }
  });
}

function settled(delivery: Delivery, error: ServiceError | undefined): void {
  settleDelivery(delivery, error ? rejected(error) : accepted);
}

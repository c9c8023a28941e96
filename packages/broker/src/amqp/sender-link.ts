// A client's sender: messages come in, and are accepted once they are on disk.
import { BATCH_FORMAT, messagesOfBatch } from '../codec/body.ts';
import type { Envelope } from '../codec/envelope.ts';
import { toStored } from '../codec/rewrite.ts';
import { verifiedMessage } from '../codec/verify-message.ts';
import type { Act } from '../control/match.ts';
import type { Core } from '../core/core.ts';
import type { Ack } from '../core/outcome.ts';
import type { QueueEntity } from '../core/queue-entity.ts';
import type { Topic } from '../core/topic.ts';
import { ServiceError, serviceErrors } from '../errors.ts';
import type { ConnectedClient } from './connected-client.ts';
import { accepted, rejected, settleDelivery } from './dispositions.ts';
import { type Delivery, localAttach, type Receiver, types } from './rhea.ts';
import { provisional, transactionOfTransfer } from './transactional-state.ts';

/** Where batches are smaller than messages may be; clients fill them up to it. */
const BATCH_SIZE = 'com.microsoft:max-message-batch-size';
const CREDIT = 1000;
const REFILL_BELOW = 500;

/**
 * A client's sender: messages come in, and are accepted once they are on disk. `current` is where they go now, or why
 * they go nowhere.
 */
export function serveSender(
  receiver: Receiver,
  { intake: { maxMessageBytes } }: QueueEntity | Topic,
  { limits, faults }: Core,
  client: ConnectedClient,
  current: () => QueueEntity | Topic | ServiceError,
): void {
  const attach = localAttach(receiver);
  attach.max_message_size = maxMessageBytes;
  const batchBytes = Math.min(limits.batchBytes, maxMessageBytes);
  if (batchBytes < maxMessageBytes) attach.properties = { [BATCH_SIZE]: types.wrap_ulong(batchBytes) };
  let credit = CREDIT;
  receiver.add_credit(CREDIT);

  receiver.on('message', ({ message, delivery, format }) => {
    credit -= 1;
    if (credit < REFILL_BELOW) {
      receiver.add_credit(CREDIT - credit);
      credit = CREDIT;
    }
    const settle = (error?: ServiceError) => settled(delivery as Delivery, error);
    const destination = current();
    if (destination instanceof ServiceError) return settle(destination);
    const bytes = message as unknown as Buffer;
    const limit = format === BATCH_FORMAT ? batchBytes : maxMessageBytes;
    if (bytes.length > limit) return settle(serviceErrors.tooLarge(bytes.length, limit));
    try {
      const encoded = format === BATCH_FORMAT ? messagesOfBatch(bytes) : [bytes];
      const messages = encoded.map((each) => toStored(verifiedMessage(each)));
      const send = (ack: Ack) => {
        try {
          destination.intake.send(messages, ack);
        } catch (error) {
          ack(undecodable(error));
        }
      };
      const transaction = transactionOfTransfer(delivery as Delivery);
      if (transaction) {
        const error = client.transactions.enlist(transaction, { run: send, bytes: bytes.length });
        if (error) return settle(error);
        return settleDelivery(delivery as Delivery, provisional(transaction, accepted));
      }
      if (faults.armed) faults.through(sending(destination.path, messages, client), send, settle);
      else send(settle);
    } catch (error) {
      settle(undecodable(error));
    }
  });
}

/** The first message of several stands for all. */
function sending(entity: string, [first]: readonly Envelope[], client: ConnectedClient): Act {
  return { operation: 'send', entity, session: first?.sessionId, messageId: first?.messageId, client };
}

function undecodable(error: unknown): ServiceError {
  return serviceErrors.invalid(`The message cannot be decoded: ${String(error)}`);
}

function settled(delivery: Delivery, error: ServiceError | undefined): void {
  settleDelivery(delivery, error ? rejected(error) : accepted);
}

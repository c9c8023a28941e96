/**
 * What senders to a partitioned entity must keep to (learn.microsoft.com/azure/service-bus-messaging/service-bus-partitioning).
 * There are no partitions here: the order of all messages is kept, which includes that of every key.
 */
import type { Envelope } from '../codec/envelope.ts';
import { serviceErrors } from '../errors.ts';

/** Throws a ServiceError. */
export function checkPartition(messages: readonly Envelope[], detectsDuplicates: boolean): void {
  for (const message of messages) {
    const { sessionId } = message;
    const key = partitionKey(message);
    // The empty session has no say in where it lies.
    if (sessionId && key !== undefined && sessionId !== key) {
      throw serviceErrors.notAllowed(
        `The SessionId '${sessionId}' and the PartitionKey '${key}' of a message for a partitioned entity must be the same.`,
      );
    }
  }
  if (detectsDuplicates && new Set(messages.map(placeOf)).size > 1) {
    throw serviceErrors.notAllowed(
      'Batching brokered messages with distinct SessionId, PartitionKey, or MessageId is not supported for an entity with partitioning and duplicate detection enabled.',
    );
  }
}

/** Ids are told apart within a partition key only. */
export function idWithinPartition(message: Envelope): string {
  const key = message.sessionId || partitionKey(message);
  return key === undefined ? (message.messageId ?? '') : `${key}\n${message.messageId}`;
}

function placeOf(message: Envelope): string | undefined {
  return message.sessionId || (partitionKey(message) ?? message.messageId);
}

function partitionKey(message: Envelope): string | undefined {
  const key = message.annotation('x-opt-partition-key');
  return typeof key === 'string' ? key : undefined;
}

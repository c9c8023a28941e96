// What a message may say besides its body (learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas), and what senders
// to a partitioned entity must keep to.
import type { Envelope } from '../codec/envelope.ts';
import { type ServiceError, serviceErrors } from '../errors.ts';

const MAX_NAME = 128;
const KB = 1024;
const MAX_HEADER = 64 * KB;
const MAX_PROPERTY = 32 * KB;

/** Throws a ServiceError. */
export function checkMessage(message: Envelope): void {
  for (const field of ['messageId', 'sessionId'] as const) checkName(field, message.text(field));
  const key = message.annotation('x-opt-partition-key');
  if (typeof key === 'string') checkName('partitionKey', key);
  const refusal = headerRefusal(message);
  if (refusal) throw refusal;
}

function checkName(name: string, value: string | undefined): void {
  if ((value?.length ?? 0) > MAX_NAME) {
    throw serviceErrors.invalid(`The ${name} of a message has at most ${MAX_NAME} characters.`);
  }
}

/** Why its properties are too large, if they are. */
export function headerRefusal(message: Envelope): ServiceError | undefined {
  const { headerBytes } = message;
  if (headerBytes > MAX_HEADER) return serviceErrors.headerTooLarge(MAX_HEADER);
  // A property can be too large only where all of them are larger still.
  if (headerBytes <= MAX_PROPERTY) return undefined;
  const sizes = message.applicationProperties((_, at, end) => end - at).values();
  return [...sizes].some((size) => size > MAX_PROPERTY)
    ? serviceErrors.headerTooLarge(MAX_PROPERTY)
    : undefined;
}

// What senders to a partitioned entity must keep to (learn.microsoft.com/azure/service-bus-messaging/service-bus-partitioning).
// There are no partitions here: the order of all messages is kept, which includes that of every key.

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

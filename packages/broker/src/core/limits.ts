// What the service allows (learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas): sizes by tier, credits a second, and
// what a message may say besides its body.
import type { Envelope } from '../codec/envelope.ts';
import { type ServiceError, serviceErrors } from '../errors.ts';

export type Tier = 'standard' | 'premium';

const KB = 1024;
const MB = 1024 * KB;

export interface Limits {
  readonly tier: Tier;
  /** No entity takes a larger message. */
  readonly messageBytes: number;
  /** What an entity takes that does not say. */
  readonly defaultMessageBytes: number;
  readonly batchBytes: number;
  readonly stateBytes: number;
}

const STANDARD: Limits = {
  tier: 'standard',
  messageBytes: 256 * KB,
  defaultMessageBytes: 256 * KB,
  batchBytes: 256 * KB,
  stateBytes: 256 * KB,
};
const PREMIUM: Limits = {
  tier: 'premium',
  messageBytes: 100 * MB,
  defaultMessageBytes: MB,
  batchBytes: MB,
  stateBytes: MB,
};

export function limitsOf(tier: Tier = 'standard', maxMessageBytes?: number): Limits {
  if (maxMessageBytes !== undefined) {
    const all = maxMessageBytes;
    return { tier, messageBytes: all, defaultMessageBytes: all, batchBytes: all, stateBytes: all };
  }
  return tier === 'premium' ? PREMIUM : STANDARD;
}

/** Credits a second, as a namespace of the standard tier has them; switched on to see how clients back off. */
export class Throttle {
  readonly #perSecond: number;
  readonly #now: () => number;
  #credits: number;
  #filledAt: number;

  constructor(perSecond: number, now: () => number) {
    this.#perSecond = perSecond;
    this.#now = now;
    this.#credits = perSecond;
    this.#filledAt = now();
  }

  /** One credit an operation, or a message. */
  take(credits = 1): ServiceError | undefined {
    const now = this.#now();
    const earned = ((now - this.#filledAt) / 1000) * this.#perSecond;
    this.#credits = Math.min(this.#perSecond, this.#credits + Math.max(earned, 0));
    this.#filledAt = now;
    // A batch larger than a second's credits passes when they are all there.
    if (this.#credits < Math.min(credits, this.#perSecond)) return serviceErrors.serverBusy();
    this.#credits = Math.max(this.#credits - credits, 0);
    return undefined;
  }
}

// What a message may say besides its body.

const MAX_NAME = 128;
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

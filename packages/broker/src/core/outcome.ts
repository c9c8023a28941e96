// What a receiver wants done with a message; changes that come with it become application properties.
import { encodedString, type PropertyChanges } from '../codec/rewrite.ts';

/** What a receiver wants done with a message; the changes become application properties. */
export type Outcome =
  | { kind: 'complete' }
  | { kind: 'abandon'; changes: PropertyChanges }
  | { kind: 'defer'; changes: PropertyChanges }
  | { kind: 'dead-letter'; changes: PropertyChanges }
  /** Given back without counting. */
  | { kind: 'release' };

/** Undefined = done and on disk. */
export type Ack = (error?: import('../errors.ts').ServiceError) => void;

/** The system's own reasons for dead-lettering, as the service words them. */
export const reasons = {
  maxDeliveryCount: (count: number) =>
    reason('MaxDeliveryCountExceeded', `Message could not be consumed after ${count} delivery attempts.`),
  expired: () => reason('TTLExpiredException', 'The message expired and was dead lettered.'),
  headerTooLarge: () => reason('HeaderSizeExceeded', 'The size quota for this stream has been exceeded.'),
  /** The name is our own: the documentation does not give one. */
  filterFailed: (why: string) => reason('FilterException', why),
  tooManyHops: () =>
    reason('MaxTransferHopCountExceeded', 'The maximum number of allowed hops, 4, has been exceeded.'),
  /** The names of these are our own. */
  transferFailed: (condition: string, why: string) => reason(condition, why),
  noSession: () =>
    reason(
      'Session ID is null.',
      'Session enabled entity does not allow a message whose session identifier is null.',
    ),
};

export function reason(name: string | undefined, description: string | undefined): PropertyChanges {
  const changes: PropertyChanges = new Map();
  if (name !== undefined) changes.set('DeadLetterReason', encodedString(name));
  if (description !== undefined) changes.set('DeadLetterErrorDescription', encodedString(description));
  return changes;
}

/** What a message may say besides its body (learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas). */
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

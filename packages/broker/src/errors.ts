/** Two kinds of failure: `BrokerError` for the process that starts a broker, `ServiceError` for a client on the wire. */

/** Every code of a `BrokerError`. */
export type BrokerErrorCode =
  | 'BROKER_DATA_IN_USE'
  | 'BROKER_DATA_UNREADABLE'
  | 'BROKER_DATA_UNWRITABLE'
  | 'BROKER_FILES_EXHAUSTED'
  | 'BROKER_DISK_FAILED'
  | 'BROKER_PORT_IN_USE'
  | 'BROKER_CONFIG_INVALID'
  | 'BROKER_TOPOLOGY_INVALID'
  | 'BROKER_STORE_FULL'
  | 'BROKER_STOPPED'
  | 'BROKER_NOT_QUIET'
  | 'BROKER_CLOCK_REAL'
  | 'BROKER_FAULT_INVALID'
  | 'BROKER_NOT_CONTROLLED'
  /** Wrong arguments on the command line. */
  | 'BROKER_USAGE'
  | 'BROKER_FAILED';

/** Why a broker does not start, or a call of it fails: known by its `code`, with facts in `details`. */
export class BrokerError extends Error {
  readonly code: BrokerErrorCode;
  readonly details: Record<string, unknown>;

  constructor(code: BrokerErrorCode, message: string, details: Record<string, unknown> = {}) {
    super(message);
    this.name = 'BrokerError';
    this.code = code;
    this.details = details;
  }
}

/** An AMQP error condition with the status code that `$management` replies carry beside it. */
export class ServiceError extends Error {
  readonly condition: string;
  readonly status: number;

  constructor(condition: string, status: number, description: string) {
    super(description);
    this.name = 'ServiceError';
    this.condition = condition;
    this.status = status;
  }
}

export const serviceErrors = {
  unauthorized: (why: string) => new ServiceError('amqp:unauthorized-access', 401, why),
  /** The text matters: clients recognise a missing entity by it and not by the condition. */
  entityNotFound: (url: string) =>
    new ServiceError(
      'amqp:not-found',
      404,
      `The messaging entity '${url}' could not be found. To know more visit https://aka.ms/sbResourceMgrExceptions.`,
    ),
  alreadyExists: (url: string) =>
    new ServiceError(
      'com.microsoft:entity-already-exists',
      409,
      `The messaging entity '${url}' already exists. To know more visit https://aka.ms/sbResourceMgrExceptions.`,
    ),
  entityDisabled: (path: string) =>
    new ServiceError(
      'com.microsoft:entity-disabled',
      403,
      `Messaging entity '${path}' is currently disabled.`,
    ),
  messageNotFound: () =>
    new ServiceError('com.microsoft:message-not-found', 404, 'No message has the given sequence number.'),
  messagesNotFound: (seqs: readonly number[]) =>
    new ServiceError(
      'com.microsoft:message-not-found',
      404,
      `Messages not found. Missing sequence numbers: ${seqs.join(', ')}`,
    ),
  messageLockLost: () =>
    new ServiceError(
      'com.microsoft:message-lock-lost',
      410,
      'The lock supplied is invalid. Either the lock expired, or the message has already been removed from the queue.',
    ),
  sessionLockLost: (id: string) =>
    new ServiceError(
      'com.microsoft:session-lock-lost',
      410,
      `The session lock has expired on the MessageSession, or is not held by this receiver: '${id}'. Accept a new MessageSession.`,
    ),
  sessionCannotBeLocked: (id: string) =>
    new ServiceError(
      'com.microsoft:session-cannot-be-locked',
      410,
      `The requested session '${id}' cannot be accepted. It may be locked by another receiver.`,
    ),
  serverBusy: () =>
    new ServiceError(
      'com.microsoft:server-busy',
      503,
      'The request was terminated because the namespace is being throttled. Error code: 50009. Please wait 2 seconds and try again.',
    ),
  timeout: () =>
    new ServiceError(
      'com.microsoft:timeout',
      408,
      'The operation did not complete within the allotted timeout.',
    ),
  notAllowed: (why: string) => new ServiceError('amqp:not-allowed', 400, why),
  invalid: (why: string) => new ServiceError('com.microsoft:argument-error', 400, why),
  outOfRange: (why: string) => new ServiceError('com.microsoft:argument-out-of-range', 400, why),
  notImplemented: (what: string) =>
    new ServiceError('amqp:not-implemented', 501, `'${what}' is not supported by this broker.`),
  tooLarge: (bytes: number, limit: number) =>
    new ServiceError(
      'amqp:link:message-size-exceeded',
      403,
      `The received message (size:${bytes} bytes) exceeds the limit (${limit} bytes) currently allowed on the link.`,
    ),
  headerTooLarge: (limit: number) =>
    new ServiceError(
      'amqp:link:message-size-exceeded',
      403,
      `A serialization error occurred while processing the message header stream. The size quota for this stream (${limit}) has been exceeded.`,
    ),
  quotaExceeded: (what: string) => new ServiceError('amqp:resource-limit-exceeded', 403, what),
  tooManyConnections: (limit: number) =>
    new ServiceError(
      'amqp:resource-limit-exceeded',
      403,
      `The namespace has ${limit} connections, which is its limit.`,
    ),
  tooManyReceivers: (path: string) =>
    new ServiceError(
      'amqp:resource-limit-exceeded',
      403,
      `The maximum number of concurrent receive requests has been reached for '${path}'.`,
    ),
  tooManyLinks: () =>
    new ServiceError(
      'amqp:resource-limit-exceeded',
      403,
      'The connection or the broker has as many links as it may have.',
    ),
  entityFull: (path: string) =>
    new ServiceError(
      'amqp:resource-limit-exceeded',
      403,
      `The maximum entity size has been reached or exceeded for '${path}'.`,
    ),
  internal: (why: string) => new ServiceError('amqp:internal-error', 500, why),
};

// From the SDK's errors to Quorate's codes. The SDK's own codes are read here and nowhere else.
import { type ErrorCode, QuorateError } from '../../contract/errors.ts';

interface SdkError {
  readonly code: string;
  readonly message: string;
}

const MAPPED: Readonly<Record<string, ErrorCode>> = {
  QuotaExceeded: 'QUOTA_EXCEEDED',
  MessageSizeExceeded: 'EFFECT_TOO_LARGE',
  UnauthorizedAccess: 'UNAUTHORIZED',
  MessagingEntityNotFound: 'TOPOLOGY_MISMATCH',
  MessagingEntityDisabled: 'TOPOLOGY_MISMATCH',
  UnauthorizedRequestError: 'UNAUTHORIZED',
  MessageEntityNotFoundError: 'TOPOLOGY_MISMATCH',
};

/** The network is not asked at all then. */
const NO_HANDLES = /\bE[MN]FILE\b/;

/** The last of several attempts is the one that tells how things are now. */
function unwrap(thrown: unknown): unknown {
  return thrown instanceof AggregateError && thrown.errors.length > 0 ? unwrap(thrown.errors.at(-1)) : thrown;
}

/** The SDK's code and message; an `AggregateError` of retries hides both. */
export function sdkError(thrown: unknown): SdkError {
  const error = unwrap(thrown);
  if (typeof error !== 'object' || error === null) return { code: 'GeneralError', message: String(error) };
  const { code, message }: { code?: unknown; message?: unknown } = error;
  return {
    code: typeof code === 'string' ? code : 'GeneralError',
    message: typeof message === 'string' ? message : '',
  };
}

/** `what` says what was tried and where: "sending to actor.review at localhost:5672". */
export function toQuorateError(thrown: unknown, what: string): QuorateError {
  const error = unwrap(thrown);
  if (error instanceof QuorateError) return error;
  const { code, message } = sdkError(error);
  if (NO_HANDLES.test(message))
    return new QuorateError('FILES_EXHAUSTED', `${what} failed: ${message}`, { cause: error });
  return new QuorateError(codeOf({ code, message }) ?? 'CONNECTION_FAILED', `${what} failed: ${message}`, {
    cause: error,
  });
}

/** No session had a message for as long as we asked: the usual end of a long poll. */
export function isNothingThere(thrown: unknown): boolean {
  return sdkError(thrown).code === 'ServiceTimeout';
}

export function isHeldElsewhere(thrown: unknown): boolean {
  return sdkError(thrown).code === 'SessionCannotBeLocked';
}

export function isMessageGone(thrown: unknown): boolean {
  return sdkError(thrown).code === 'MessageNotFound';
}

/** Where a link is detached for a message that is too large, the SDK tells it as an end of the link, with the condition in the text. */
const SIZE_TOLD =
  /amqp:link:message-size-exceeded|MessageSizeExceeded|exceeds the (?:maximum|allowed) (?:message )?size/i;

/** Refused for its size, and for nothing else. */
export function isTooLarge(thrown: unknown): boolean {
  const { code, message } = sdkError(thrown);
  return code === 'MessageSizeExceeded' || SIZE_TOLD.test(message);
}

function codeOf({ code, message }: SdkError): ErrorCode | undefined {
  return MAPPED[code] ?? (SIZE_TOLD.test(message) ? 'EFFECT_TOO_LARGE' : undefined);
}

/** Settled by a request whose answer was not waited for. */
export function isAlreadySettled(thrown: unknown): boolean {
  return /already settled/i.test(sdkError(thrown).message);
}

export function isLockLost(thrown: unknown): boolean {
  const { code } = sdkError(thrown);
  return code === 'MessageLockLost' || code === 'SessionLockLost';
}

/** How the SDK tells a session's receiver that its connection is gone: as a lost lock, with this text. */
export function isConnectionLoss(thrown: unknown): boolean {
  return /occurred on the AMQP connection/.test(sdkError(thrown).message);
}

/** The service detaches links that were idle for ten minutes; the SDK attaches them again. */
export function isIdleEnd(thrown: unknown): boolean {
  return /IdleTimerExpired/.test(sdkError(thrown).message);
}

/** A receiver of the wrong kind for the entity: sessions asked of a plain queue, or the other way round. */
export function isWrongKind(thrown: unknown): boolean {
  return /InvalidOperationError|not-allowed/i.test(sdkError(thrown).message);
}

/** The broker did not refuse it: it was not reached, was busy, or did not answer. */
export function isWorthRepeating(thrown: unknown): boolean {
  // The broker did not answer: the request was given up here.
  if (thrown instanceof QuorateError) return false;
  const error = sdkError(thrown);
  return codeOf(error) === undefined && error.code !== 'MessageNotFound';
}

/** Whether the connection is at fault: no answer about the session or the entity, and no refusal. It has to be replaced. */
export function isConnectionTrouble(thrown: unknown): boolean {
  return (
    codeOf(sdkError(thrown)) === undefined &&
    !isHeldElsewhere(thrown) &&
    !isNothingThere(thrown) &&
    !isLockLost(thrown)
  );
}

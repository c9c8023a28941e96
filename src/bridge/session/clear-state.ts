// Clears a session's state for good. The SDK's public method writes JSON, so its `null` is a state of 4 bytes: the service goes
// on keeping and listing the session. The same request with a null in it clears: here it leaves over the SDK's own management
// link, under the receiver's own link name.
import type { ServiceBusSessionReceiver } from '@azure/service-bus';
import type { RequestSignal } from '../connection/abort-scope.ts';

/** What is used of the SDK's management client (@azure/service-bus 7.9.5, src/core/managementClient.ts). */
interface Management {
  readonly replyTo: string;
  initWithUniqueReplyTo(options: object): Promise<object>;
  _makeManagementRequest(request: object, logger: Quiet, options: object): Promise<unknown>;
}

/** What that asks of a logger. */
interface Quiet {
  readonly verbose: () => void;
  readonly warning: () => void;
  readonly logError: () => void;
}

interface Insides {
  readonly entityPath?: unknown;
  readonly sessionId: string;
  readonly _messageSession?: { readonly name?: unknown };
  readonly _retryOptions?: { readonly timeoutInMs?: unknown };
  readonly _context?: { getManagementClient?(path: string): unknown };
}

const QUIET: Quiet = { verbose: () => {}, warning: () => {}, logError: () => {} };
const DEFAULT_TIMEOUT_MS = 60_000;

/** Undefined where the SDK's insides are others than expected: the 4 bytes are all that can be written then. */
export function clearerOf(
  receiver: ServiceBusSessionReceiver,
): ((abortSignal: RequestSignal) => Promise<void>) | undefined {
  const { entityPath, sessionId, _messageSession, _retryOptions, _context } = receiver as unknown as Insides;
  const link = _messageSession?.name;
  if (typeof entityPath !== 'string' || typeof link !== 'string') return undefined;
  if (typeof _context?.getManagementClient !== 'function') return undefined;
  const management = _context.getManagementClient(entityPath);
  if (!isManagement(management)) return undefined;
  const given = _retryOptions?.timeoutInMs;
  const timeoutInMs = typeof given === 'number' ? given : DEFAULT_TIMEOUT_MS;
  return async (abortSignal) => {
    const options = await management.initWithUniqueReplyTo({ abortSignal, timeoutInMs });
    const request = {
      body: { 'session-id': sessionId, 'session-state': null },
      reply_to: management.replyTo,
      application_properties: {
        operation: 'com.microsoft:set-session-state',
        'associated-link-name': link,
      },
    };
    await management._makeManagementRequest(request, QUIET, { ...options, requestName: 'setState' });
  };
}

/** Whether a null can be sent over this. */
export function canClear(management: unknown): boolean {
  return isManagement(management);
}

function isManagement(value: unknown): value is Management {
  return (
    typeof value === 'object' &&
    value !== null &&
    ['initWithUniqueReplyTo', '_makeManagementRequest'].every(
      (name) => typeof Reflect.get(value, name) === 'function',
    )
  );
}

// Two requests about states of sessions that the service has and the SDK's public interface lacks: to clear a state, and to
// list the sessions that have one.
import type { ServiceBusClient, ServiceBusSessionReceiver } from '@azure/service-bus';
import type { Bridge } from '../../contract/ports.ts';
import type { RequestSignal } from '../connection/abort-scope.ts';
import { REQUEST_TIMEOUT_MS } from '../connection/connection.ts';

// Clears a session's state. The SDK's public method writes JSON, so its `null` is a state of 4 bytes, and the service keeps
// and lists the session. The same request with a real null clears it. It is sent over the SDK's own management link, under
// the receiver's own link name.

/** What is used of the SDK's management client (@azure/service-bus 7.9.5, src/core/managementClient.ts). */
interface Management {
  readonly replyTo: string;
  initWithUniqueReplyTo(options: object): Promise<object>;
  _makeManagementRequest(request: object, logger: Quiet, options: object): Promise<unknown>;
}

/** What the management client asks of a logger. */
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

// The sessions of an entity that have a state, page by page. The service offers it, the SDK's management client knows it,
// but its public interface does not.

interface ListingManagement {
  listMessageSessions(skip: number, top: number, updatedSince: Date, options: object): Promise<unknown>;
  getSessionState(sessionId: string, options: object): Promise<unknown>;
}

interface ClientInsides {
  readonly _connectionContext: { getManagementClient(path: string): ListingManagement };
}

interface SessionPage {
  readonly ids: readonly string[];
  /** How many were looked at: where the next page begins. */
  readonly listed: number;
}

/** Whenever the state was written. The epoch itself would be taken for "not given", which means three days. */
const EVER = new Date(1);
const READ_AT_ONCE = 16;

export async function listSessions(
  client: ServiceBusClient,
  path: string,
  { skip, top, updatedSince, prefix = '' }: Parameters<Bridge['listSessions']>[1],
): Promise<SessionPage> {
  const since = updatedSince === undefined ? EVER : new Date(Math.max(1, updatedSince));
  const management = (client as unknown as ClientInsides)._connectionContext.getManagementClient(path);
  const listed = await management.listMessageSessions(skip, top, since, { timeoutInMs: REQUEST_TIMEOUT_MS });
  const ids = Array.isArray(listed) ? listed.map(String) : [];
  // Where states can be cleared, a session that is listed has one.
  const wanted = ids.filter((id) => id.startsWith(prefix));
  const living = canClear(management) ? wanted : await withState(management, wanted);
  return { ids: living, listed: ids.length };
}

/** Without those whose state is the 4 bytes of a `null`: forgotten by a host that could write nothing less. */
async function withState(management: ListingManagement, ids: readonly string[]): Promise<readonly string[]> {
  const living: string[] = [];
  for (let from = 0; from < ids.length; from += READ_AT_ONCE) {
    const some = ids.slice(from, from + READ_AT_ONCE);
    const states = await Promise.all(
      some.map((id) => management.getSessionState(id, { timeoutInMs: REQUEST_TIMEOUT_MS })),
    );
    living.push(...some.filter((_, at) => states[at] !== null && states[at] !== undefined));
  }
  return living;
}

// The sessions of an entity that have a state, page by page. The service offers it, the SDK's management client knows it,
// but its public interface does not.
import type { ServiceBusClient } from '@azure/service-bus';
import { canClear } from './clear-state.ts';

interface Management {
  listMessageSessions(skip: number, top: number, updatedSince: Date, options: object): Promise<unknown>;
  getSessionState(sessionId: string, options: object): Promise<unknown>;
}

interface Insides {
  readonly _connectionContext: { getManagementClient(path: string): Management };
}

export interface SessionPage {
  readonly ids: readonly string[];
  /** How many were looked at: where the next page begins. */
  readonly listed: number;
}

const REQUEST_TIMEOUT_MS = 30_000;
/** Whenever the state was written. The epoch itself would be taken for "not given", which means three days. */
const EVER = new Date(1);
const READ_AT_ONCE = 16;

export async function listSessions(
  client: ServiceBusClient,
  path: string,
  { skip, top }: { readonly skip: number; readonly top: number },
): Promise<SessionPage> {
  const management = (client as unknown as Insides)._connectionContext.getManagementClient(path);
  const listed = await management.listMessageSessions(skip, top, EVER, { timeoutInMs: REQUEST_TIMEOUT_MS });
  const ids = Array.isArray(listed) ? listed.map(String) : [];
  // Where states can be cleared, a session that is listed has one.
  const living = canClear(management) ? ids : await withState(management, ids);
  return { ids: living, listed: ids.length };
}

/** Without those whose state is the 4 bytes of a `null`: forgotten by a host that could write nothing less. */
async function withState(management: Management, ids: readonly string[]): Promise<readonly string[]> {
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

// The sessions of an entity that have a state, page by page. The service offers it, the SDK's management client knows it,
// but its public interface does not: the only other place that reaches inside is examine.ts.
import type { ServiceBusClient } from '@azure/service-bus';

interface Insides {
  readonly _connectionContext: {
    getManagementClient(path: string): {
      listMessageSessions(skip: number, top: number, updatedSince: Date, options: object): Promise<unknown>;
    };
  };
}

const REQUEST_TIMEOUT_MS = 30_000;
/** Whenever the state was written. The epoch itself would be taken for "not given", which means three days. */
const EVER = new Date(1);

export async function listSessions(
  client: ServiceBusClient,
  path: string,
  { skip, top }: { readonly skip: number; readonly top: number },
): Promise<readonly string[]> {
  const management = (client as unknown as Insides)._connectionContext.getManagementClient(path);
  const listed = await management.listMessageSessions(skip, top, EVER, { timeoutInMs: REQUEST_TIMEOUT_MS });
  return Array.isArray(listed) ? listed.map(String) : [];
}

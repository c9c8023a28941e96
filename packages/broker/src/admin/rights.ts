/** What the service says to a client that administers without the Manage right; the clients' own tests look for its words. */
import type { Namespace } from '../core/namespace.ts';
import { type Address, parseAddress } from './address.ts';
import { adminErrors } from './errors.ts';

/** Only that a queue or topic does not exist is told to everybody. */
export function refuseWithoutManage(namespace: Namespace, method: string, url: URL): void {
  const address = parseAddress(url.pathname);
  const own = url.pathname.startsWith('/$');
  if (!own && address.kind === 'entity' && method === 'GET' && !namespace.entity(address.path)) return;
  const operation = operationOf(method, address);
  throw adminErrors.lacksRight(
    operation
      ? `401 SubCode=40100: Unauthorized : Unauthorized access for '${operation}' operation on endpoint '${url.pathname}'.`
      : unauthorizedFor(method),
  );
}

function unauthorizedFor(method: string): string {
  if (method === 'GET') return 'Manage,EntityRead claims required for this operation.';
  const action = method === 'DELETE' ? 'EntityDelete' : 'EntityWrite';
  return `Authorization failed for specified action: Manage,${action}.`;
}

/** Below a topic the service names what was tried. */
function operationOf(method: string, { kind }: Address): string | undefined {
  const one = kind === 'subscription' ? 'Subscription' : kind === 'rule' ? 'Rule' : undefined;
  if (kind === 'subscriptions' || kind === 'rules') return `Enumerate${kind.replace(/^./, capital)}`;
  if (one === undefined) return undefined;
  return (method === 'GET' ? 'Get' : method === 'DELETE' ? 'Delete' : 'CreateOrUpdate') + one;
}

function capital(letter: string): string {
  return letter.toUpperCase();
}

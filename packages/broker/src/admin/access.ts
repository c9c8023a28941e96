// Who may administer: what the tokens of a request allow, and what the service says to a client without the Manage right.
import type { IncomingMessage } from 'node:http';
import type { Authority } from '../access/authority.ts';
import { type Grant, permits } from '../access/grant.ts';
import { SAS_PREFIX } from '../access/shared-access-signature.ts';
import type { Namespace } from '../core/namespace.ts';
import { ServiceError } from '../errors.ts';
import { type Address, parseAddress } from './address.ts';
import { adminErrors } from './admin-errors.ts';

/** The clients for Go and Java send the token alone. */
const BEARER = /^bearer /i;
/** Headers with a second token, for destinations of forwarding that the first one does not cover. */
const SUPPLEMENTARY = ['servicebussupplementaryauthorization', 'servicebusdlqsupplementaryauthorization'];

export interface Access {
  /** Manage on what the request is about. */
  readonly manages: boolean;
  /** On another queue or topic. */
  mayManage(path: string): boolean;
}

/** Throws an AdminError for a request without a token that is good for something. */
export function accessOf(authority: Authority, { headers, url = '/' }: IncomingMessage): Access {
  const grant = grantOf(authority, headers.authorization ?? '', url);
  if (grant === undefined) throw adminErrors.unauthorized('The Authorization header is missing.');
  if (grant instanceof ServiceError) throw adminErrors.unauthorized(grant.message);
  const { signedBy, rights } = grant;
  return {
    manages: permits(rights, 'Manage'),
    mayManage: (path) => {
      const wanted = path.toLowerCase();
      if (!signedBy || permits(authority.rightsOf(signedBy.keyName, signedBy.key, wanted), 'Manage'))
        return true;
      return SUPPLEMENTARY.some((name) => {
        const other = grantOf(authority, String(headers[name] ?? ''), wanted);
        return other && !(other instanceof ServiceError) && permits(other.rights, 'Manage');
      });
    },
  };
}

function grantOf(authority: Authority, token: string, resource: string): Grant | ServiceError | undefined {
  if (token === '') return undefined;
  return token.startsWith(SAS_PREFIX)
    ? authority.check('sas', token, resource)
    : authority.check('jwt', token.replace(BEARER, ''), resource);
}

// What the service says to a client that administers without the Manage right; the clients' own tests look for its words.

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

// What a key or a checked token allows: which rights, on which paths, until when. Links ask it before they attach, and are
// closed when it runs out.
import { type ServiceError, serviceErrors } from '../errors.ts';
import type { AccessRight, AuthorizationRule } from '../topology.ts';

export function pathIn(address: string): string {
  const path = address.replace(/^[a-z]+:\/\/[^/?]*/i, '').replace(/\?.*$/, '');
  return path.replace(/^\/+|\/+$/g, '');
}

/** A token may be for a host without a scheme: all of the namespace (Go's `CreateConnectionStringWithSASUsingExpiry`). */
export function scopePath(resource: string): string {
  return entityPath(/^[a-z]+:\/\/|^\//i.test(resource) ? resource : `sb://${resource}`);
}

/** The same for comparing: names have no case. */
export function entityPath(address: string): string {
  return pathIn(address).toLowerCase();
}

/** A grant for an entity covers what lies below it, such as its `$management`. */
export function covers(granted: string, wanted: string): boolean {
  return granted === '' || wanted === granted || wanted.startsWith(`${granted}/`);
}

/** What a checked token allows, and until when. */
export interface Grant {
  /** Entity path in lower case; '' is the whole namespace. */
  readonly path: string;
  readonly rights: readonly AccessRight[];
  readonly expiresAt: number;
  /** Whose key signed the token, for as long as the key is good; absent for a token of another authority. */
  readonly signedBy?: { readonly keyName: string; readonly key: string; readonly scope: string };
}

export const ALL_RIGHTS: readonly AccessRight[] = ['Manage', 'Send', 'Listen'];

/** Manage includes the other two. */
export function permits(rights: readonly AccessRight[], wanted: AccessRight | undefined): boolean {
  return wanted === undefined || rights.includes(wanted) || rights.includes('Manage');
}

/** The farthest that a Date reaches. */
const MAX_DATE_MS = 8.64e15;

export function expired(at: number): ServiceError {
  const time = Math.abs(at) <= MAX_DATE_MS ? new Date(at).toISOString() : 'unknown';
  return serviceErrors.unauthorized(`ExpiredToken: The token is expired. Expiration time: ${time}.`);
}

// The keys that tokens are signed with: those of the namespace, and those of the rules of single entities.

/** A key of the whole namespace; a plain one may do everything. */
export type NamespaceKey = string | { key: string; rights: AccessRight[] };
/** Names and keys of the whole namespace. */
export type Keys = Readonly<Record<string, NamespaceKey>>;

/** A key that could have signed a token for a resource. */
interface Signer {
  readonly key: string;
  readonly rights: readonly AccessRight[];
}

/** Who may sign for a resource: the namespace's keys, and the rules of the queue or topic that it lies in. */
export type Signers = (keyName: string, resource: string) => Signer[];

export function signersOf(
  keys: Keys,
  rules: (resource: string) => Iterable<{ path: string; rules: readonly AuthorizationRule[] }>,
): Signers {
  return (keyName, resource) => {
    const signers: Signer[] = [];
    const own = Object.hasOwn(keys, keyName) ? keys[keyName] : undefined;
    if (typeof own === 'string') signers.push({ key: own, rights: ALL_RIGHTS });
    else if (own) signers.push(own);
    for (const entity of rules(resource)) {
      if (!covers(entity.path.toLowerCase(), resource)) continue;
      for (const rule of entity.rules) {
        if (rule.keyName !== keyName) continue;
        for (const key of [rule.primaryKey, rule.secondaryKey]) signers.push({ key, rights: rule.rights });
      }
    }
    return signers;
  };
}

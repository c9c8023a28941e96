// The keys that tokens are signed with: those of the namespace, and those of the rules of single entities.
import type { AccessRight, AuthorizationRule } from '../topology.ts';
import { ALL_RIGHTS } from './grant.ts';
import { covers } from './paths.ts';

/** A key of the whole namespace; a plain one may do everything. */
export type NamespaceKey = string | { key: string; rights: AccessRight[] };
export type Keys = Readonly<Record<string, NamespaceKey>>;

/** A key that could have signed a token for a resource. */
export interface Signer {
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

// Decides what a token is worth: a signature by one of the keys, or a JSON web token, as the client says which it is.
import { type ServiceError, serviceErrors } from '../errors.ts';
import type { AccessRight } from '../topology.ts';
import type { Grant } from './grant.ts';
import { checkJsonWebToken } from './json-web-token.ts';
import type { Signers } from './keys.ts';
import { checkSharedAccessSignature, sameText } from './shared-access-signature.ts';

export type TokenKind = 'sas' | 'jwt';

/** Decides what a token is worth. */
export class Authority {
  readonly #signers: Signers;
  readonly #now: () => number;
  readonly #unsignedTokens: boolean;

  /** `unsignedTokens`: those of Entra ID are worth something although nobody here can tell who has made them. */
  constructor(signers: Signers, now: () => number, unsignedTokens: boolean) {
    this.#unsignedTokens = unsignedTokens;
    this.#signers = signers;
    this.#now = now;
  }

  now(): number {
    return this.#now();
  }

  /** What a grant is worth after keys have changed: those of its key now, or nothing. */
  review(grant: Grant): Grant | undefined {
    const { signedBy } = grant;
    if (!signedBy) return grant;
    const rights = this.rightsOf(signedBy.keyName, signedBy.key, signedBy.scope);
    return rights.length > 0 ? { ...grant, rights } : undefined;
  }

  check(kind: TokenKind, token: string, resource: string): Grant | ServiceError {
    if (kind === 'jwt' && !this.#unsignedTokens) {
      return serviceErrors.unauthorized(
        'InvalidSignature: Tokens of Entra ID cannot be verified here, and other machines can reach this broker (unsignedTokens).',
      );
    }
    return kind === 'jwt'
      ? checkJsonWebToken(token, resource, this.#now())
      : checkSharedAccessSignature(token, resource, this.#signers, this.#now());
  }

  /** What a key allows by itself, without a token. */
  rightsOf(keyName: string, key: string, path: string): readonly AccessRight[] {
    return this.#signers(keyName, path).find((signer) => sameText(signer.key, key))?.rights ?? [];
  }

  /** A name that the namespace does not know may be of an entity's rule, whose key is compared once a link names the entity. */
  mayHold(keyName: string, key: string): boolean {
    const known = this.#signers(keyName, '');
    return known.length === 0 || known.some((signer) => sameText(signer.key, key));
  }
}

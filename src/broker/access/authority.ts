import type { ServiceError } from '../errors.ts';
import type { Grant } from './grant.ts';
import { checkJsonWebToken } from './json-web-token.ts';
import type { Signers } from './keys.ts';
import { checkSharedAccessSignature } from './shared-access-signature.ts';

export type TokenKind = 'sas' | 'jwt';

/** Decides what a token is worth. */
export class Authority {
  readonly #signers: Signers;
  readonly #now: () => number;

  constructor(signers: Signers, now: () => number) {
    this.#signers = signers;
    this.#now = now;
  }

  now(): number {
    return this.#now();
  }

  check(kind: TokenKind, token: string, resource: string): Grant | ServiceError {
    return kind === 'jwt'
      ? checkJsonWebToken(token, resource, this.#now())
      : checkSharedAccessSignature(token, resource, this.#signers, this.#now());
  }
}

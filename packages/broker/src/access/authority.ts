// Decides what a token is worth: a signature by one of the keys, or a JSON web token, as the client says which it is.
import { type ServiceError, serviceErrors } from '../errors.ts';
import type { AccessRight } from '../topology.ts';
import { ALL_RIGHTS, entityPath, expired, type Grant, type Signers } from './grant.ts';
import { checkSharedAccessSignature, sameText } from './shared-access-signature.ts';

/** What the clients ask Entra ID for, and the namespace itself. */
const AUDIENCE = /^https:\/\/(servicebus\.azure\.net|[^/]+\.servicebus\.windows\.net)\/*$/i;

/**
 * A token of Entra ID: its times and its audience are checked. Its signature is not: a broker for development knows
 * no tenant, so anybody who reaches its port can make one. It grants everything.
 */
export function checkJsonWebToken(token: string, resource: string, now: number): Grant | ServiceError {
  const claims = claimsOf(token);
  if (!claims) return serviceErrors.unauthorized('The token is not a JSON web token.');
  const { aud, exp, nbf } = claims;
  if (typeof exp !== 'number') return serviceErrors.unauthorized('InvalidToken: The token has no expiry.');
  if (exp * 1000 <= now) return expired(exp * 1000);
  if (typeof nbf === 'number' && nbf * 1000 > now)
    return serviceErrors.unauthorized('InvalidToken: The token is not yet valid.');
  const audiences: unknown[] = Array.isArray(aud) ? aud : [aud];
  if (!audiences.some((each) => typeof each === 'string' && AUDIENCE.test(each))) {
    return serviceErrors.unauthorized(
      `InvalidAudience: The token's audience '${String(aud)}' is not Service Bus.`,
    );
  }
  return { path: entityPath(resource), rights: ALL_RIGHTS, expiresAt: exp * 1000 };
}

function claimsOf(token: string): Record<string, unknown> | undefined {
  const [, payload, signature] = token.split('.');
  if (payload === undefined || signature === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null ? (claims as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

type TokenKind = 'sas' | 'jwt';

/** Decides what a token is worth. */
export class Authority {
  readonly #signers: Signers;
  readonly #now: () => number;
  readonly #unsignedTokens: boolean;

  /** `unsignedTokens`: tokens of Entra ID count, although nobody here can tell who made them. */
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

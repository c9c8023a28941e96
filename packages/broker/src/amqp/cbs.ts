// Claims-based security (`$cbs`): the tokens that a connection has put, what they allow, and what ends when they
// expire.
import type { Authority } from '../access/authority.ts';
import { covers, type Grant, permits } from '../access/grant.ts';
import { SAS_PREFIX } from '../access/shared-access-signature.ts';
import { LONGEST_TIMER_MS } from '../clock.ts';
import { ServiceError, serviceErrors } from '../errors.ts';
import type { AccessRight } from '../topology.ts';
import type { ReplyLinks } from './replies.ts';
import type { Request } from './requests.ts';
import { types } from './rhea.ts';
import type { KeyHolder } from './sasl.ts';

/** Claims-based security: the tokens of one connection. */
export class Claims {
  readonly #authority: Authority;
  readonly #exists: (path: string) => boolean;
  /** The holder of a key, who needs no token. */
  readonly #keyHolder: () => KeyHolder | undefined;
  readonly #granted = new Map<string, Grant>();
  #tokenSeen = false;

  constructor(
    authority: Authority,
    exists: (path: string) => boolean,
    keyHolder: () => KeyHolder | undefined,
  ) {
    this.#authority = authority;
    this.#exists = exists;
    this.#keyHolder = keyHolder;
  }

  /** Whether the client has this right for the entity; without `right` whether it has any claim for it. */
  allow(path: string, right?: AccessRight): boolean {
    const wanted = path.toLowerCase();
    for (const grant of this.#granted.values()) {
      if (grant.expiresAt <= this.#authority.now()) continue;
      if (covers(grant.path, wanted) && permits(grant.rights, right)) return true;
    }
    const holder = this.#keyHolder();
    if (!holder) return false;
    const rights = this.#authority.rightsOf(holder.keyName, holder.key, wanted);
    return rights.length > 0 && permits(rights, right);
  }

  /** The client has shown a valid token, or a key. */
  get proved(): boolean {
    return this.#tokenSeen || this.#keyHolder() !== undefined;
  }

  /** When the first token expires. */
  get nextExpiry(): number | undefined {
    return this.#granted.size === 0
      ? undefined
      : Math.min(...[...this.#granted.values()].map(({ expiresAt }) => expiresAt));
  }

  /** Drops what is worth nothing any more: expired, or signed with a key that has changed. */
  review(): void {
    for (const [path, grant] of this.#granted) {
      const left = grant.expiresAt > this.#authority.now() ? this.#authority.review(grant) : undefined;
      if (left) this.#granted.set(path, left);
      else this.#granted.delete(path);
    }
  }

  putToken(request: Request, replies: ReplyLinks): void {
    const refusal = this.#refusal(request);
    if (refusal) {
      const properties = {
        'status-code': types.wrap_int(refusal.status),
        'status-description': refusal.message,
        'error-condition': types.wrap_symbol(refusal.condition),
      };
      return replies.reply(request, { properties });
    }
    replies.reply(request, {
      properties: { 'status-code': types.wrap_int(202), 'status-description': 'Accepted' },
    });
  }

  #refusal({ properties, body }: Request): ServiceError | undefined {
    const { operation, name, type } = properties;
    if (operation !== 'put-token' || typeof name !== 'string' || typeof body !== 'string') {
      return new ServiceError(
        'amqp:not-allowed',
        400,
        'A put-token request with a name and a token is expected.',
      );
    }
    // The Python client calls every token a jwt; the service looks at the token.
    const kind = type === 'jwt' && !body.startsWith(SAS_PREFIX) ? 'jwt' : 'sas';
    const grant = this.#authority.check(kind, body, name);
    if (grant instanceof ServiceError) return grant;
    this.#tokenSeen = true;
    // Go's client tells a missing entity by this answer alone (azure-sdk-for-go, TestNewClientNewSenderNotFound).
    if (grant.path !== '' && !this.#exists(grant.path)) return serviceErrors.entityNotFound(name);
    this.#granted.set(grant.path, grant);
    return undefined;
  }
}

// The tokens of a connection run out: the service closes the links that no token is left for.

export class TokenExpiry {
  readonly #claims: Claims;
  readonly #expired: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(claims: Claims, expired: () => void) {
    this.#claims = claims;
    this.#expired = expired;
  }

  /** In real time, which tokens carry. */
  await(): void {
    this.stop();
    const at = this.#claims.nextExpiry;
    if (at === undefined) return;
    const waitMs = Math.min(Math.max(at - Date.now(), 0) + 1, LONGEST_TIMER_MS);
    this.#timer = setTimeout(() => this.#ring(), waitMs).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #ring(): void {
    this.#claims.review();
    this.#expired();
    this.await();
  }
}

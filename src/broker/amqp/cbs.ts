import { ServiceError } from '../errors.ts';
import { checkSharedAccessSignature, covers, entityPath, type Keys } from './authorization.ts';
import type { ReplyLinks, Request } from './requests.ts';
import { types } from './rhea.ts';

const JWT_LIFETIME_MS = 3_600_000;

/** Claims-based security: the tokens of one connection. */
export class Claims {
  readonly #keys: Keys;
  readonly #now: () => number;
  /** Entity path to the end of its claim. */
  readonly #granted = new Map<string, number>();

  constructor(keys: Keys, now: () => number) {
    this.#keys = keys;
    this.#now = now;
  }

  /** A claim for an entity covers what lies below it, such as its `$management`. */
  allow(path: string): boolean {
    const wanted = path.toLowerCase();
    for (const [granted, expiresAt] of this.#granted) {
      if (expiresAt > this.#now() && covers(granted, wanted)) return true;
    }
    return false;
  }

  putToken(request: Request, replies: ReplyLinks): void {
    const refusal = this.#refusal(request);
    if (refusal) {
      replies.reply(request, {
        'status-code': types.wrap_int(refusal.status),
        'status-description': refusal.message,
        'error-condition': types.wrap_symbol(refusal.condition),
      });
      return;
    }
    replies.reply(request, { 'status-code': types.wrap_int(202), 'status-description': 'Accepted' });
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
    if (type === 'jwt') {
      // Tokens of Entra ID are not checked in development.
      this.#granted.set(entityPath(name), this.#now() + JWT_LIFETIME_MS);
      return undefined;
    }
    const claim = checkSharedAccessSignature(body, name, this.#keys, this.#now());
    if (claim instanceof ServiceError) return claim;
    this.#granted.set(entityPath(name), claim.expiresAt);
    return undefined;
  }
}

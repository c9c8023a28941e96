import type { Authority } from '../access/authority.ts';
import { type Grant, permits } from '../access/grant.ts';
import { covers } from '../access/paths.ts';
import { ServiceError } from '../errors.ts';
import type { AccessRight } from '../topology.ts';
import type { ReplyLinks, Request } from './requests.ts';
import { types } from './rhea.ts';

/** Claims-based security: the tokens of one connection. */
export class Claims {
  readonly #authority: Authority;
  readonly #granted = new Map<string, Grant>();

  constructor(authority: Authority) {
    this.#authority = authority;
  }

  /** Without a right: any claim for the entity. */
  allow(path: string, right?: AccessRight): boolean {
    const wanted = path.toLowerCase();
    for (const grant of this.#granted.values()) {
      if (grant.expiresAt <= this.#authority.now()) continue;
      if (covers(grant.path, wanted) && permits(grant.rights, right)) return true;
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
    const grant = this.#authority.check(type === 'jwt' ? 'jwt' : 'sas', body, name);
    if (grant instanceof ServiceError) return grant;
    this.#granted.set(grant.path, grant);
    return undefined;
  }
}

// Tokens of Entra ID, as `DefaultAzureCredential` sends them. The embedded broker reads audience and expiry and
// checks no signature: it is a development tool on loopback.
import { type ServiceError, serviceErrors } from '../errors.ts';
import { ALL_RIGHTS, expired, type Grant } from './grant.ts';
import { entityPath } from './paths.ts';

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

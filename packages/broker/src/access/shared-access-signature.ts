// A shared access signature: checks signature, key name, expiry, and that the token's resource covers the audience
// that is asked for.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { type ServiceError, serviceErrors } from '../errors.ts';
import { covers, entityPath, expired, type Grant, type Signers, scopePath } from './grant.ts';

export const SAS_PREFIX = 'SharedAccessSignature ';

/** Checks signature, key name, expiry and that the token's resource covers the audience that is asked for. */
export function checkSharedAccessSignature(
  token: string,
  audience: string,
  signers: Signers,
  now: number,
): Grant | ServiceError {
  if (!token.startsWith(SAS_PREFIX))
    return serviceErrors.unauthorized('The token is not a shared access signature.');
  const fields = fieldsOf(token);
  const [resource, signature, expiry, keyName] = ['sr', 'sig', 'se', 'skn'].map((name) => fields.get(name));
  if (!resource || !signature || !expiry || !keyName) {
    return serviceErrors.unauthorized('The shared access signature lacks sr, sig, se or skn.');
  }
  const [scope, name, sent] = [resource, keyName, signature].map(decoded);
  if (scope === undefined || name === undefined || sent === undefined)
    return serviceErrors.unauthorized('The shared access signature is not URL-encoded.');
  const candidates = signers(name, scopePath(scope));
  if (candidates.length === 0) return serviceErrors.unauthorized(`The key name '${name}' is unknown.`);
  const signer = candidates.find(({ key }) => sameText(sign(key, resource, expiry), sent));
  if (!signer) return serviceErrors.unauthorized('InvalidSignature: The token has an invalid signature.');
  const expiresAt = Number(expiry) * 1000;
  if (!(expiresAt > now)) return expired(expiresAt);
  const path = entityPath(audience);
  if (!covers(scopePath(scope), path)) {
    return serviceErrors.unauthorized(`The token's resource does not cover '${audience}'.`);
  }
  const signedBy = { keyName: name, key: signer.key, scope: entityPath(scope) };
  return { path, rights: signer.rights, expiresAt, signedBy };
}

export function signatureFor(resource: string, keyName: string, key: string, expiresAt: number): string {
  const scope = encodeURIComponent(resource);
  const expiry = String(Math.floor(expiresAt / 1000));
  const signature = encodeURIComponent(sign(key, scope, expiry));
  return `${SAS_PREFIX}sr=${scope}&sig=${signature}&se=${expiry}&skn=${encodeURIComponent(keyName)}`;
}

function sign(key: string, scope: string, expiry: string): string {
  return createHmac('sha256', key).update(`${scope}\n${expiry}`).digest('base64');
}

function fieldsOf(token: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const part of token.slice(SAS_PREFIX.length).split('&')) {
    const at = part.indexOf('=');
    fields.set(part.slice(0, at), part.slice(at + 1));
  }
  return fields;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

export function sameText(a: string, b: string): boolean {
  const [first, second] = [Buffer.from(a), Buffer.from(b)];
  return first.length === second.length && timingSafeEqual(first, second);
}

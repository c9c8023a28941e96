import { createHmac, timingSafeEqual } from 'node:crypto';
import { type ServiceError, serviceErrors } from '../errors.ts';

export type Keys = Readonly<Record<string, string>>;

const SAS_PREFIX = 'SharedAccessSignature ';

/** A checked shared access signature: the audience it is for and when it ends. */
export interface Claim {
  audience: string;
  expiresAt: number;
}

/** Checks signature, key name, expiry and that the token's resource covers the audience that is asked for. */
export function checkSharedAccessSignature(
  token: string,
  audience: string,
  keys: Keys,
  now: number,
): Claim | ServiceError {
  if (!token.startsWith(SAS_PREFIX))
    return serviceErrors.unauthorized('The token is not a shared access signature.');
  const fields = new Map<string, string>();
  for (const part of token.slice(SAS_PREFIX.length).split('&')) {
    const at = part.indexOf('=');
    fields.set(part.slice(0, at), part.slice(at + 1));
  }
  const [resource, signature, expiry, keyName] = ['sr', 'sig', 'se', 'skn'].map((name) => fields.get(name));
  if (!resource || !signature || !expiry || !keyName) {
    return serviceErrors.unauthorized('The shared access signature lacks sr, sig, se or skn.');
  }
  const key = keys[decodeURIComponent(keyName)];
  if (key === undefined)
    return serviceErrors.unauthorized(`The key name '${decodeURIComponent(keyName)}' is unknown.`);
  const expected = createHmac('sha256', key).update(`${resource}\n${expiry}`).digest('base64');
  if (!sameText(expected, decodeURIComponent(signature))) {
    return serviceErrors.unauthorized('InvalidSignature: The token has an invalid signature.');
  }
  const expiresAt = Number(expiry) * 1000;
  if (!(expiresAt > now)) return serviceErrors.unauthorized('ExpiredToken: The token is expired.');
  if (!covers(entityPath(decodeURIComponent(resource)), entityPath(audience))) {
    return serviceErrors.unauthorized(`The token's resource does not cover '${audience}'.`);
  }
  return { audience, expiresAt };
}

/** `sb://host:port/queue/$management` -> `queue/$management`; hosts are not compared, a broker has many names. */
export function entityPath(audience: string): string {
  const path = audience.replace(/^[a-z]+:\/\/[^/]*/i, '');
  return path.replace(/^\/+|\/+$/g, '').toLowerCase();
}

export function covers(granted: string, wanted: string): boolean {
  return granted === '' || wanted === granted || wanted.startsWith(`${granted}/`);
}

function sameText(a: string, b: string): boolean {
  const [first, second] = [Buffer.from(a), Buffer.from(b)];
  return first.length === second.length && timingSafeEqual(first, second);
}

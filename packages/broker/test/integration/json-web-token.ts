import type { TokenCredential } from '@azure/identity';

/** A token as Entra ID gives one, unsigned: the broker for development checks no signature. */
export function jsonWebToken(lifetimeSeconds: number, audience = 'https://servicebus.azure.net'): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const exp = Math.floor(Date.now() / 1000) + lifetimeSeconds;
  return `${encode({ alg: 'none' })}.${encode({ aud: audience, exp })}.`;
}

export const credential: TokenCredential = {
  getToken: async () => ({ token: jsonWebToken(3600), expiresOnTimestamp: Date.now() + 3_600_000 }),
};

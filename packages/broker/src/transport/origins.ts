/**
 * Which web pages may speak to the broker. A page of any site can open a web socket to this machine, and the emulator's
 * key is public; so what a browser sends for a page is refused unless the page's origin is allowed by an option.
 * Programs send no `Origin`, or (websocket-client for Python) the broker's own address.
 */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/** A page can have such a name only if it comes from here; any other may lead here by its owner's DNS (rebinding). */
const OWN_NAMES = new Set(['localhost', 'host.docker.internal']);
const DEFAULT_PORT = /:(80|443)$/;

export function originAllowed(
  { headers }: Pick<IncomingMessage, 'headers'>,
  allowed: readonly string[],
): boolean {
  const { origin, host = '' } = headers;
  if (origin === undefined) return true;
  if (allowed.some((one) => one === '*' || spelt(one) === spelt(origin))) return true;
  const url = URL.parse(origin);
  if (!url || url.host !== host.toLowerCase().replace(DEFAULT_PORT, '')) return false;
  const name = url.hostname.replace(/^\[|\]$/g, '');
  return OWN_NAMES.has(name) || isIP(name) !== 0 || !name.includes('.');
}

/** As browsers write it, whatever a person has typed. */
function spelt(origin: string): string {
  return origin.toLowerCase().replace(/\/$/, '');
}

/** Only this machine can reach what listens there. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

// Who may look: this machine's browsers, showing this server's own page, and programs of this machine.
import type { IncomingMessage } from 'node:http';

const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];

/** What browsers say of where a request comes from: our own page, or nobody's (the address bar). */
const OWN_SITES: readonly unknown[] = [undefined, 'same-origin', 'none'];

/**
 * A page of another site cannot read us: its `Origin` is not ours, and a name of its own that it lets point at this
 * machine (DNS rebinding) is not in `Host`. Images and scripts are asked for without an `Origin`, but with the site that
 * shows them. A link that leads here is followed: what it opens is our page and not theirs. Programs send none of this.
 */
export function isOwnRequest({ headers }: Pick<IncomingMessage, 'headers'>, port: number): boolean {
  const hosts = LOOPBACK.map((name) => `${name}:${port}`);
  if (headers.host === undefined || !hosts.includes(headers.host)) return false;
  const opened = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  if (!opened && !OWN_SITES.includes(headers['sec-fetch-site'])) return false;
  return headers.origin === undefined || hosts.some((host) => headers.origin === `http://${host}`);
}

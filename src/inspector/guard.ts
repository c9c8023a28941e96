// Who may look: this machine's browsers, showing this server's own page, and programs of this machine.
import type { IncomingMessage } from 'node:http';

const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];

/**
 * A page of another site cannot read us: its `Origin` is not ours, and a name of its own that it lets point at this
 * machine (DNS rebinding) is not in `Host`. Programs send no `Origin`.
 */
export function isOwnRequest({ headers }: Pick<IncomingMessage, 'headers'>, port: number): boolean {
  const hosts = LOOPBACK.map((name) => `${name}:${port}`);
  if (headers.host === undefined || !hosts.includes(headers.host)) return false;
  return headers.origin === undefined || hosts.some((host) => headers.origin === `http://${host}`);
}

// Lets an HTTP server of ours listen: a port that cannot be had is a mistake of the configuration, and is said as one.
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { QuorateError } from '../contract/errors.ts';

/** Gives the address, without a path. `field` of the configuration asked for the port; 0 is any free one. Throws CONFIG_INVALID. */
export async function listen(server: Server, port: number, host: string, field: string): Promise<string> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new QuorateError('CONFIG_INVALID', `${field}: ${reason}`, { cause });
  }
  const shown = host.includes(':') ? `[${host}]` : host;
  return `http://${shown}:${(server.address() as AddressInfo).port}`;
}

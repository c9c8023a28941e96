// `/healthz` and `/readyz` for the platform that restarts containers and routes to them: one plain HTTP port, nothing else on it.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { QuorateError } from '../contract/errors.ts';
import type { Health } from '../contract/runtime.ts';

// Imported, it would be asked for all its exports, and one of them loads undici: 40 ms of each start.
const { createServer } = process.getBuiltinModule('node:http');

export interface HealthServerOptions {
  /** 0 = any free one. */
  readonly port: number;
  readonly host: string;
  /** Asked at each request. */
  readonly health: () => Health;
}

export interface HealthServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Probes send a few headers at once; a client that sends them slowly is cut. */
const REQUEST_MS = 5_000;

/** `/healthz` answers while the process lives; `/readyz` says whether it can take on work. */
export async function createHealthServer({ port, host, health }: HealthServerOptions): Promise<HealthServer> {
  const server = createServer(
    { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS },
    (request, response) => {
      const path = request.url?.replace(/\?.*$/, '');
      const found = path === '/healthz' ? { ready: true } : path === '/readyz' ? health() : undefined;
      const status = found === undefined ? 404 : found.ready ? 200 : 503;
      response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
      response.end(JSON.stringify(found ?? { error: 'there are /healthz and /readyz' }));
    },
  );
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new QuorateError('CONFIG_INVALID', `healthPort: ${reason}`, { cause });
  }
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

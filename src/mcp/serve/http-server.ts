// MCP over HTTP on one port of this machine: node:http around the handler of the SDK, which speaks in requests and responses of `fetch`.
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Logger } from '../../contract/ports.ts';
import type { McpHttp } from './sdk-server.ts';

const { createServer } = process.getBuiltinModule('node:http');

const PATH = '/mcp';
/** A client may keep one connection for each call under way. */
const MAX_CONNECTIONS = 256;
const MAX_HEADER_MS = 10_000;

export interface McpEndpoint {
  readonly url: string;
  close(): Promise<void>;
}

/** `port` 0: any free one. There is no login: it listens on the loopback alone. */
export async function listen(face: McpHttp, port: number, logger?: Logger): Promise<McpEndpoint> {
  const server = createServer({ headersTimeout: MAX_HEADER_MS }, (request, response) => {
    serve(face, request, response).catch((failure: unknown) => {
      logger?.warn('an MCP request failed', { reason: String(failure) });
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as { readonly port: number };
  return {
    url: `http://127.0.0.1:${address.port}${PATH}`,
    async close() {
      server.close();
      await face.close();
      server.closeAllConnections();
    },
  };
}

async function serve(face: McpHttp, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { headers, method = 'GET', url = '/' } = request;
  if (url.split('?')[0] !== PATH) return void response.writeHead(404).end();
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const all = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value] as const],
  );
  const hasBody = method !== 'GET' && method !== 'HEAD' && method !== 'DELETE';
  const asked = new Request(`http://127.0.0.1${PATH}`, {
    method,
    headers: new Headers(all.map(([name, value]): [string, string] => [name, value])),
    signal: gone.signal,
    // The handler reads at most 4 MiB of it.
    ...(hasBody ? { body: Readable.toWeb(request), duplex: 'half' } : {}),
  });
  const answer = await face.fetch(asked);
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  if (answer.body === null) return void response.end();
  await pipeline(Readable.fromWeb(answer.body as never), response).catch((failure: unknown) => {
    if (!gone.signal.aborted) throw failure;
  });
}

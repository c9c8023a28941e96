// One plain HTTP port for the platform: `/healthz` and `/readyz` for what restarts containers and routes to them, `/metrics` for
// Prometheus, `/scale/<agent>` for what adds processes. Nothing else is on it.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { listen } from '../common/listen.ts';
import { QuorateError } from '../contract/errors.ts';
import type { Health } from '../contract/runtime.ts';
import { CONTENT_TYPE } from './metrics/prometheus.ts';

// Imported, it would be asked for all its exports, and one of them loads undici: 40 ms of each start.
const { createServer } = process.getBuiltinModule('node:http');

export interface HealthServerOptions {
  /** 0 = any free one. */
  readonly port: number;
  readonly host: string;
  /** These are asked at each request. */
  readonly health: () => Health;
  /** Text for Prometheus. */
  readonly metrics: () => string;
  /** Undefined for an agent that is not there. */
  readonly scale: (agent: string) => Promise<object | undefined>;
}

export interface HealthServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Probes send a few headers at once; a client that sends them slowly is cut. */
const REQUEST_MS = 5_000;
const SCALE = '/scale/';
const PATHS = 'there are /healthz, /readyz, /metrics and /scale/<agent>';

/** `/healthz` answers while the process lives; `/readyz` says whether it can take on work. */
export async function createHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const { port, host } = options;
  const server = createServer(
    { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS },
    (request, response) => {
      const path = request.url?.replace(/\?.*$/, '') ?? '';
      if (path.startsWith(SCALE)) void answerScale(path.slice(SCALE.length), options, response);
      else answer(path, options, response);
    },
  );
  return {
    url: await listen(server, port, host, 'healthPort'),
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function answer(path: string, { health, metrics }: HealthServerOptions, response: ServerResponse): void {
  if (path === '/healthz') return sendJson(response, 200, { ready: true });
  if (path === '/readyz') {
    const found = health();
    return sendJson(response, found.ready ? 200 : 503, found);
  }
  if (path !== '/metrics') return sendJson(response, 404, { error: PATHS });
  response.writeHead(200, { 'content-type': CONTENT_TYPE, 'cache-control': 'no-store' });
  response.end(metrics());
}

async function answerScale(
  name: string,
  { scale }: HealthServerOptions,
  response: ServerResponse,
): Promise<void> {
  try {
    const agent = decoded(name);
    const found = agent === undefined ? undefined : await scale(agent);
    sendJson(response, found === undefined ? 404 : 200, found ?? { error: 'there is no such agent here' });
  } catch (thrown) {
    // The scaler keeps what it had.
    const why = thrown instanceof QuorateError ? thrown.code : 'INTERNAL';
    sendJson(response, 503, { error: why });
  }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}

// The HTTP side of administration: finds the resource that a path names, checks the right, and answers in Atom. Also
// the status that `broker status` shows.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Authority } from '../access/authority.ts';
import type { FaultPort } from '../control/fault-port.ts';
import { type Act, flushed } from '../control/match.ts';
import type { Namespace } from '../core/namespace.ts';
import { topologyOfEmulatorConfig } from '../emulator-config.ts';
import { BrokerError, ServiceError } from '../errors.ts';
import type { EntityStatus } from '../options.ts';
import { STATUS_PATH, TOPOLOGY_PATH } from '../running.ts';
import { accessOf, refuseWithoutManage } from './access.ts';
import { AdminError, adminErrors, errorDocument } from './admin-errors.ts';
import { answerAdmin } from './admin-requests.ts';
import type { Site } from './atom.ts';

const MAX_BODY_BYTES = 1024 * 1024;
const API_VERSION = '2021-05';

interface AdminOptions {
  readonly namespace: Namespace;
  readonly authority: Authority;
  readonly startedAt: number;
  readonly status: () => EntityStatus[];
  readonly faults: FaultPort;
}

/** HTTP: the administration API, the broker's status, and `/health` for the process that starts the broker and waits for it. */
export function createAdminHandler(options: AdminOptions): RequestListener {
  return (request, response) => {
    void handle(options, request, response);
  };
}

async function handle(
  { namespace, authority, startedAt, status, faults }: AdminOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const host = request.headers.host ?? 'localhost';
  const path = (request.url ?? '/').replace(/\?.*$/, '');
  if (path === '/health') return reply(response, 200, 'application/json', '{"status":"healthy"}');
  try {
    const url = URL.parse(request.url ?? '/', `http://${host}`);
    if (!url) throw adminErrors.badRequest('The address cannot be read.');
    const site: Site = {
      scheme: 'encrypted' in request.socket ? 'https' : 'http',
      host,
      apiVersion: url.searchParams.get('api-version') ?? API_VERSION,
    };
    const access = accessOf(authority, request);
    if (path === STATUS_PATH && access.manages)
      return reply(response, 200, 'application/json', JSON.stringify(status()));
    const body = await bodyOf(request);
    const method = request.method ?? 'GET';
    if (!access.manages) attempt(() => refuseWithoutManage(namespace, method, url));
    if (path === TOPOLOGY_PATH && method === 'PUT') {
      declare(namespace, body);
      return reply(response, 200, 'application/json', '{}');
    }
    const update = request.headers['if-match'] !== undefined;
    const work = () =>
      attempt(() => answerAdmin(namespace, startedAt, { method, url, site, body, update, access }));
    const answer = faults.armed && method !== 'GET' ? await pastFaults(faults, request, url, work) : work();
    reply(response, answer.status, 'application/atom+xml;type=entry;charset=utf-8', answer.body);
  } catch (error) {
    const refusal = error instanceof AdminError ? error : adminErrors.internal();
    reply(response, refusal.status, 'application/xml; charset=utf-8', errorDocument(refusal, host, path));
  }
}

function declare(namespace: Namespace, text: string): void {
  try {
    namespace.declare(topologyOfEmulatorConfig(text));
  } catch (error) {
    throw error instanceof BrokerError ? adminErrors.badRequest(error.message) : error;
  }
}

/** A percent sign that leads nowhere is the client's mistake. */
function attempt<R>(work: () => R): R {
  try {
    return work();
  } catch (error) {
    throw error instanceof URIError ? adminErrors.badRequest('The address cannot be decoded.') : error;
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw adminErrors.badRequest('The body is too large.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/^\uFEFF/, '');
}

function reply(response: ServerResponse, status: number, type: string, body: string): void {
  if (response.destroyed) return;
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}

// Changes of the topology over HTTP, past the faults that may meet them.

function pastFaults<R>(faults: FaultPort, request: IncomingMessage, url: URL, work: () => R): Promise<R> {
  return new Promise((resolve, reject) => {
    faults.through<{ done: R } | Error>(
      actOf(request, url),
      (answer) => answer(attempted(work)),
      (result) => {
        if (result instanceof ServiceError) reject(adminErrors.fault(result.status, result.message));
        else if (result instanceof Error) reject(result);
        else resolve(result.done);
      },
    );
  });
}

function attempted<R>(work: () => R): { done: R } | Error {
  try {
    return { done: work() };
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function actOf({ socket }: IncomingMessage, { pathname }: URL): Act {
  return {
    operation: 'admin',
    entity: pathname.replace(/^\/|\/$/g, ''),
    client: {
      container: undefined,
      cut: () => void socket.destroy(),
      flushed: () => flushed(socket),
    },
  };
}

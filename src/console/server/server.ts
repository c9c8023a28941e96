// The console over HTTP: its page, and the API behind it. It listens on loopback unless it is told otherwise, shows nothing of the API without
// a token, and takes no request that another site's page has made.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { listen } from '../../common/listen.ts';
import { ERROR_HINTS, isErrorCode, QuorateError, toErrorJson } from '../../contract/errors.ts';
import type { Logger } from '../../contract/ports.ts';
import { type AccessOptions, mayDo, type Visitor, visitorOf } from './access.ts';
import { ACTIONS } from './actions.ts';
import { pageFile } from './assets.ts';
import type { ChangeHub } from './changes.ts';
import { readJson } from './request.ts';
import { type Answered, type ConsoleContext, find, READ_ROUTES } from './routes.ts';

// Imported, it would be asked for all its exports, and one of them loads undici: 40 ms of each start.
const { createServer } = process.getBuiltinModule('node:http');

export interface ConsoleServerOptions extends AccessOptions {
  /** 0 = any free one. */
  readonly port: number;
  readonly host: string;
  /** Behind a proxy: the path that it serves the console under, like `/quorate`; '' for none. */
  readonly basePath: string;
  readonly context: ConsoleContext;
  readonly changes: ChangeHub;
  readonly logger: Logger;
}

export interface ConsoleServer {
  /** With a slash at its end. */
  readonly url: string;
  close(): Promise<void>;
}

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/** A request that takes longer is ended: nobody looks at a page for so long without an answer. */
const REQUEST_MS = 60_000;

export async function serveConsole(options: ConsoleServerOptions): Promise<ConsoleServer> {
  const { host, basePath, logger } = options;
  const server = createServer((request, response) => {
    handle(request, response, options).catch((failure: unknown) => fail(response, failure, logger));
  });
  server.requestTimeout = REQUEST_MS;
  const origin = await listen(server, options.port, host, 'consolePort');
  return {
    url: `${origin}${basePath}/`,
    close: async () => {
      options.changes.close();
      server.close();
      server.closeAllConnections();
    },
  };
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  options: ConsoleServerOptions,
): Promise<void> {
  const { basePath, context, changes } = options;
  const url = URL.parse(request.url ?? '/', 'http://localhost');
  if (url === null || !url.pathname.startsWith(`${basePath}/`))
    return send(response, 404, 'text/plain', 'Not found\n');
  const path = url.pathname.slice(basePath.length + 1);
  if (!path.startsWith('api/')) {
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return send(response, 405, 'text/plain', 'Read only\n');
    const file = await pageFile(path);
    if (file === undefined) return send(response, 404, 'text/plain', 'Not found\n');
    return send(response, 200, file.type, request.method === 'HEAD' ? '' : file.body);
  }
  if (!isOwnSite(request)) throw new QuorateError('CONSOLE_FORBIDDEN', 'another site made this request');
  const visitor = visitorOf(request, options);
  if (visitor === undefined) throw new QuorateError('CONSOLE_TOKEN_NEEDED', 'the console needs a token');
  const asked = { params: url.searchParams, visitor, signal: endOf(response) };
  const below = path.slice('api/'.length);
  if (request.method === 'GET' && below === 'changes') return follow(response, changes);
  if (request.method === 'GET') {
    const found = find(READ_ROUTES, below);
    if (found === undefined) return send(response, 404, 'text/plain', 'Not found\n');
    need(visitor, found.route.role);
    return answer(response, await found.route.answer({ ...asked, parts: found.parts }, context));
  }
  const found = find(ACTIONS, `${request.method ?? ''} ${below}`);
  if (found === undefined) return send(response, 404, 'text/plain', 'Not found\n');
  need(visitor, found.route.role);
  const body = await readJson(request, found.route.body);
  const what = { who: visitor.name, role: visitor.role, action: `${request.method ?? ''} ${below}` };
  try {
    const done = await found.route.act(body, { ...asked, parts: found.parts }, context);
    options.logger.info('console', { ...what, outcome: 'done' });
    answer(response, { kind: 'json', value: done });
  } catch (error) {
    options.logger.info('console', { ...what, outcome: toErrorJson(error, 'INTERNAL').code });
    throw error;
  }
}

function need({ name, role }: Visitor, needed: Visitor['role']): void {
  if (!mayDo(role, needed))
    throw new QuorateError('CONSOLE_FORBIDDEN', `${name} is ${role}, and this needs ${needed}`);
}

/**
 * What a page of another site makes a browser send says so. The token is in a header that no such page can set without our leave, which is never
 * given: this is the second lock.
 */
function isOwnSite({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  const { origin, host } = headers;
  if (origin === undefined) return true;
  return URL.parse(origin)?.host === (headers['x-forwarded-host'] ?? host);
}

function endOf(response: ServerResponse): AbortSignal {
  const end = new AbortController();
  response.once('close', () => end.abort());
  return end.signal;
}

function follow(response: ServerResponse, changes: ChangeHub): void {
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    // Proxies that buffer would hold events back.
    'x-accel-buffering': 'no',
  });
  if (!changes.add(response)) response.end();
}

function answer(response: ServerResponse, answered: Answered): void {
  if (answered.kind === 'svg') return send(response, 200, 'image/svg+xml', answered.svg);
  send(response, 200, 'application/json', JSON.stringify(answered.value ?? null));
}

function send(response: ServerResponse, status: number, type: string, body: string | Buffer): void {
  response.writeHead(status, {
    'content-type': type.startsWith('image/png') ? type : `${type}; charset=utf-8`,
    'content-security-policy': POLICY,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cache-control': 'no-store',
  });
  response.end(body);
}

const STATUS: Readonly<Record<string, number>> = {
  CONSOLE_TOKEN_NEEDED: 401,
  CONSOLE_FORBIDDEN: 403,
  INPUT_INVALID: 400,
  ACTOR_NOT_FOUND: 404,
  MACHINE_NOT_FOUND: 404,
  RESULT_TIMEOUT: 504,
  CONNECTION_FAILED: 502,
};

function fail(response: ServerResponse, failure: unknown, logger: Logger): void {
  const { code, message } = toErrorJson(failure, 'INTERNAL');
  const status = STATUS[code] ?? (code === 'INTERNAL' ? 500 : 409);
  if (status === 500) logger.warn(`the console could not answer: ${message}`);
  if (response.headersSent) return void response.end();
  const fix = isErrorCode(code) ? ERROR_HINTS[code] : undefined;
  const error = { code, message, ...(fix === undefined ? {} : { fix }) };
  send(response, status, 'application/json', JSON.stringify({ error }));
}

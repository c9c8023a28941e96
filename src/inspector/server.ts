// The inspector: one loopback port with the page, the charts and the inspection protocol. It reads and changes nothing,
// and answers programs of this machine alone.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { WebSocketServer } from 'ws';
import { listen } from '../common/listen.ts';
import { parseAddress } from '../contract/address.ts';
import type { InspectionSink, Logger } from '../contract/ports.ts';
import { createChartRenderer } from './chart/renderer.ts';
import { pageAsset } from './page/assets.ts';
import { type ActorStore, type Change, createActorStore } from './store.ts';
import { type StreamSource, sendStream } from './streams.ts';
import { createViewer, framesOf, STALL_MS, type Viewer } from './viewer.ts';

// Imported, it would be asked for all its exports, and one of them loads undici: 40 ms of each start.
const { createServer } = process.getBuiltinModule('node:http');

export interface InspectorOptions {
  /** 0 = any free one. */
  readonly port: number;
  /** Default 127.0.0.1. There is no login: bind what only you can reach. */
  readonly host?: string;
  readonly logger?: Logger;
}

export interface InspectorServer {
  readonly url: string;
  readonly sink: InspectionSink;
  /** Where to read what agents stream; until then the page is told that nothing is there. */
  readStreams(source: StreamSource): void;
  close(): Promise<void>;
}

/** Viewers say nothing; a frame larger than this ends the connection. */
const MAX_INBOUND_BYTES = 1_024;

export async function createInspectorServer(options: InspectorOptions): Promise<InspectorServer> {
  const { host = '127.0.0.1', logger } = options;
  const viewers = new Set<Viewer>();
  const store = createActorStore((change) => tellAll(viewers, change, logger));
  const charts = createChartRenderer();
  let streams: StreamSource | undefined;
  const server = createServer((request, response) => {
    answer(request, response, { store, render: charts.render, streams }).catch((failure: unknown) => {
      logger?.warn('inspector request failed', { path: request.url, reason: String(failure) });
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  const origin = await listen(server, options.port, host, 'inspectorPort');

  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_INBOUND_BYTES });
  server.on('upgrade', (request, socket, head) => {
    // From here on nobody else listens to it; a peer that hangs up while it is refused must not end the process.
    socket.on('error', () => socket.destroy());
    if (!isOwnRequest(request, request.socket.localPort ?? 0)) {
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const viewer = createViewer(webSocket, store);
      viewers.add(viewer);
      webSocket.on('close', () => viewers.delete(viewer));
      webSocket.on('error', () => webSocket.terminate());
    });
  });
  const stallCheck = setInterval(() => {
    for (const viewer of viewers) viewer.checkStall(Date.now());
  }, STALL_MS / 3);
  stallCheck.unref();

  return {
    url: `${origin}/`,
    sink: store,
    readStreams: (source) => {
      streams = source;
    },
    async close() {
      clearInterval(stallCheck);
      for (const socket of sockets.clients) socket.terminate();
      server.close();
      server.closeAllConnections();
      await charts.close();
    },
  };
}

/** Nothing that goes wrong for a viewer may reach the actor that is being watched. */
function tellAll(viewers: ReadonlySet<Viewer>, change: Change, logger: Logger | undefined): void {
  if (viewers.size === 0) return;
  let frames: readonly string[] | undefined;
  const framesOnce = (): readonly string[] => {
    frames ??= change.kind === 'step' ? framesOf(change) : [];
    return frames;
  };
  for (const viewer of viewers) {
    try {
      viewer.tell(change, framesOnce);
    } catch (failure) {
      logger?.warn('inspector viewer failed', { reason: String(failure) });
    }
  }
}

const SVG = 'image/svg+xml';
const CHART_PATH = /^\/machines\/([^/]+)\.svg$/;

const STREAM_PATH = /^\/streams\/([^/]+)$/;

interface Shown {
  readonly store: ActorStore;
  readonly render: (definition: unknown) => Promise<string>;
  readonly streams: StreamSource | undefined;
}

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/** A chart opened alone brings its style with it, and nothing else. */
const CHART_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { store, render, streams }: Shown,
): Promise<void> {
  const begin = (status: number, type: string): void => {
    response.statusCode = status;
    response.setHeaders(
      new Map([
        ['content-type', `${type}; charset=utf-8`],
        ['content-security-policy', type === SVG ? CHART_POLICY : POLICY],
        ['x-content-type-options', 'nosniff'],
        ['referrer-policy', 'no-referrer'],
        // An image is shown by any page unless it is said that it is not to be.
        ['cross-origin-resource-policy', 'same-origin'],
        ['cache-control', 'no-store'],
      ]),
    );
  };
  const send = (status: number, type: string, body: string): void => {
    begin(status, type);
    response.end(request.method === 'HEAD' ? undefined : body);
  };
  if (!isOwnRequest(request, request.socket.localPort ?? 0)) return send(403, 'text/plain', 'Forbidden\n');
  if (request.method !== 'GET' && request.method !== 'HEAD') return send(405, 'text/plain', 'Read only\n');
  const url = URL.parse(request.url ?? '/', 'http://localhost');
  if (!url) return send(400, 'text/plain', 'No address\n');
  const asset = pageAsset(url.pathname);
  if (asset !== undefined) return send(200, asset.type, asset.body);
  const streamed = STREAM_PATH.exec(url.pathname)?.[1];
  if (streamed !== undefined) {
    const actor = parseAddress(decoded(streamed) ?? '');
    if (actor === undefined) return send(400, 'text/plain', 'No address\n');
    if (streams === undefined) return send(503, 'text/plain', 'Not ready yet\n');
    begin(200, 'text/event-stream');
    return request.method === 'HEAD' ? void response.end() : sendStream(response, streams, actor);
  }
  const named = CHART_PATH.exec(url.pathname)?.[1];
  if (named === undefined) return send(404, 'text/plain', 'Not found\n');
  const type = decoded(named);
  if (type === undefined) return send(400, 'text/plain', 'No address\n');
  // An actor may still run by an older definition than the latest of its type.
  const actor = store.get(url.searchParams.get('actor') ?? '');
  const definition = actor?.type === type ? actor.definition : store.definitionOf(type);
  if (definition === undefined) return send(404, 'text/plain', 'No actor of this type was seen yet\n');
  send(200, SVG, await render(definition));
}

/** Undefined if a percent sign in it leads nowhere. */
function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

// Who may look: this machine's browsers, showing this server's own page, and programs of this machine.

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

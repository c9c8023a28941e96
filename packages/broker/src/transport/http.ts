// HTTP on sockets that somebody else accepted: requests, and web sockets that carry AMQP; and which web pages may speak to the
// broker.
import type { IncomingMessage, RequestListener, Server } from 'node:http';
import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, type WebSocket, WebSocketServer } from 'ws';
import type { Holdings } from './holdings.ts';

// Imported, it would be asked for all its exports, and one of them loads undici: 40 ms of each start.
const { createServer } = process.getBuiltinModule('node:http');

const WEB_SOCKET_PATH = '/$servicebus/websocket';
/** Subprotocols of the clients for .NET, Java, JavaScript and Python, and of the one for Go. */
const SUBPROTOCOLS = ['AMQPWSB10', 'amqp'];
const MAX_WEB_SOCKET_BYTES = 4 * 1024 * 1024;
const FOREIGN = 'This web page is not allowed to speak to the broker (allowOrigins, --allow-origin).\n';
/** Answers to pings that nobody reads. */
const MAX_UNREAD_BYTES = 64 * 1024;

/** HTTP on sockets that somebody else accepted: requests, and web sockets that carry AMQP. */
export class HttpSide {
  readonly #server: Server;
  readonly #webSockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_WEB_SOCKET_BYTES,
    autoPong: false,
    handleProtocols: (offered) => SUBPROTOCOLS.find((each) => offered.has(each)) ?? false,
  });
  /** Limit of one request, from its first byte to its answer, and of the pause before the next. */
  readonly #requestMs: number;
  readonly #deadlines = new WeakMap<Duplex, NodeJS.Timeout>();
  /** Requests without an answer. */
  open = 0;

  constructor(
    handle: RequestListener,
    amqp: (stream: Duplex) => void,
    requestMs: number,
    holdings: Holdings,
    origins: readonly string[],
  ) {
    this.#requestMs = requestMs;
    this.#server = createServer((request, response) => {
      this.open += 1;
      response.on('close', () => {
        this.open -= 1;
      });
      response.on('finish', () => this.#expect(request.socket));
      if (originAllowed(request, origins)) handle(request, response);
      else response.writeHead(403, { 'Content-Type': 'text/plain' }).end(FOREIGN);
    });
    this.#server.on('clientError', (_, socket) => socket.destroy());
    this.#server.on('upgrade', (request, socket, head) => {
      socket.on('error', () => socket.destroy());
      if (!originAllowed(request, origins)) {
        socket.end(
          `HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: ${FOREIGN.length}\r\n\r\n${FOREIGN}`,
        );
        return;
      }
      // The client for Java asks for the whole URL (`createUpgradeRequest` in qpid-proton-j-extensions).
      const path = (request.url ?? '/').replace(/^https?:\/\/[^/]*|\/?(\?.*)?$/gi, '');
      const offered = (request.headers['sec-websocket-protocol'] ?? '').split(/\s*,\s*/);
      if (path.toLowerCase() !== WEB_SOCKET_PATH || !SUBPROTOCOLS.some((each) => offered.includes(each))) {
        socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
        return;
      }
      this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        clearTimeout(this.#deadlines.get(socket));
        watch(webSocket, socket, holdings);
        const stream = createWebSocketStream(webSocket);
        stream.on('error', () => stream.destroy());
        amqp(stream);
      });
    });
  }

  accept(socket: Socket): void {
    this.#expect(socket);
    socket.once('close', () => clearTimeout(this.#deadlines.get(socket)));
    this.#server.emit('connection', socket);
  }

  /** Node looks after slow requests only on servers that listen themselves. */
  #expect(socket: Duplex): void {
    clearTimeout(this.#deadlines.get(socket));
    if (socket.destroyed) return;
    this.#deadlines.set(
      socket,
      setTimeout(() => socket.destroy(), this.#requestMs),
    );
  }
}

/** What comes of a message waits in memory until all of it is there; and pings must not be answered without end. */
function watch(webSocket: WebSocket, socket: Duplex, holdings: Holdings): void {
  const holding = holdings.open(() => socket.destroy());
  socket.once('close', () => holdings.close(holding));
  socket.prependListener('data', (chunk: Buffer) => {
    holding.add('input', chunk.length);
    if (!holdings.mustWait(holding)) return;
    socket.pause();
    holdings.wait(() => socket.resume());
  });
  webSocket.on('message', () => holding.set('input', 0));
  webSocket.on('ping', (data: Buffer) => {
    if (socket.writableLength > MAX_UNREAD_BYTES) socket.destroy();
    else webSocket.pong(data);
  });
}

// Which web pages may speak to the broker. A page of any site can open a web socket to this machine, and the emulator's
// key is public; so what a browser sends for a page is refused unless the page's origin is allowed by an option.
// Programs send no `Origin`, or (websocket-client for Python) the broker's own address.

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

/** The origin as browsers write it, whatever a person has typed. */
function spelt(origin: string): string {
  return origin.toLowerCase().replace(/\/$/, '');
}

/** Only this machine can reach what listens there. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

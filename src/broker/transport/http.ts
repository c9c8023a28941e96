import { createServer, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, WebSocketServer } from 'ws';

const WEB_SOCKET_PATH = '/$servicebus/websocket';
const SUBPROTOCOL = 'AMQPWSB10';
const MAX_WEB_SOCKET_BYTES = 4 * 1024 * 1024;

/** HTTP on sockets that somebody else accepted: requests, and web sockets that carry AMQP. */
export class HttpSide {
  readonly #server: Server;
  readonly #webSockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_WEB_SOCKET_BYTES,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });
  /** For one request, from its first byte to its answer, and for the pause before the next. */
  readonly #requestMs: number;
  readonly #deadlines = new WeakMap<Duplex, NodeJS.Timeout>();

  constructor(handle: RequestListener, amqp: (stream: Duplex) => void, requestMs: number) {
    this.#requestMs = requestMs;
    this.#server = createServer((request, response) => {
      response.on('finish', () => this.#expect(request.socket));
      handle(request, response);
    });
    this.#server.on('clientError', (_, socket) => socket.destroy());
    this.#server.on('upgrade', (request, socket, head) => {
      const path = new URL(request.url ?? '/', 'http://broker').pathname.replace(/\/$/, '');
      const offered = (request.headers['sec-websocket-protocol'] ?? '').split(/\s*,\s*/);
      if (path.toLowerCase() !== WEB_SOCKET_PATH || !offered.includes(SUBPROTOCOL)) {
        socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
        return;
      }
      this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        clearTimeout(this.#deadlines.get(socket));
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

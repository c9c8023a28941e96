// The one port: its first byte says whether AMQP, TLS or HTTP is spoken on a connection.
import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls';
import { BrokerError } from '../errors.ts';

const DEFAULT_PORT = 5672;
const PORTS_TO_TRY = 100;
/** How long a client may take over its half of the goodbye. */
const CLOSE_GRACE_MS = 100;

const AMQP_FIRST = 0x41;
const TLS_HANDSHAKE = 0x16;

export interface Protocols {
  amqp(stream: Duplex): void;
  http(socket: Socket | TLSSocket): void;
}

export interface ServerCertificate {
  readonly cert: string;
  readonly key: string;
}

/** One port for everything: the first byte of a connection tells what it is. */
export class Listener {
  readonly #protocols: Protocols;
  readonly #server: Server;
  readonly #tls: TlsServer | undefined;
  readonly #handshakeMs: number;
  readonly #sockets = new Set<Socket>();

  constructor(protocols: Protocols, handshakeMs: number, certificate: ServerCertificate | undefined) {
    this.#handshakeMs = handshakeMs;
    this.#protocols = protocols;
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    if (certificate) {
      this.#tls = createTlsServer({ ...certificate, handshakeTimeout: handshakeMs }, (socket) => {
        socket.on('error', () => {});
        this.#sniff(socket);
      });
      this.#tls.on('tlsClientError', (_, socket) => socket.destroy());
    }
  }

  /** The given port exactly, or the first free one from 5672 on; returns it. */
  async listen(host: string, port: number | undefined): Promise<number> {
    const last = port ?? DEFAULT_PORT + PORTS_TO_TRY;
    for (let candidate = port ?? DEFAULT_PORT; ; candidate += 1) {
      const error = await this.#tryListen(host, candidate);
      if (!error) break;
      if (error.code !== 'EADDRINUSE' || candidate >= last) {
        throw new BrokerError(
          'BROKER_PORT_IN_USE',
          `Cannot listen on ${host}:${candidate}: ${error.message}`,
          { port: candidate },
        );
      }
    }
    const address = this.#server.address();
    return address && typeof address === 'object' ? address.port : 0;
  }

  /** Takes no more, and cuts who has not gone after a moment. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const grace = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, CLOSE_GRACE_MS);
    await closed;
    clearTimeout(grace);
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    // A connection that breaks before it has a protocol breaks nothing else.
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    this.#sniff(socket);
  }

  /** Looks at the first bytes and puts them back for whoever speaks that protocol. */
  #sniff(socket: Socket | TLSSocket): void {
    const silent = setTimeout(() => socket.destroy(), this.#handshakeMs);
    socket.once('close', () => clearTimeout(silent));
    const look = () => {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) return;
      socket.off('readable', look);
      clearTimeout(silent);
      socket.unshift(chunk);
      this.#dispatch(socket, chunk[0] ?? 0);
    };
    socket.on('readable', look);
  }

  #dispatch(socket: Socket | TLSSocket, first: number): void {
    if (first === AMQP_FIRST) this.#protocols.amqp(socket);
    else if (first === TLS_HANDSHAKE && this.#tls && !('encrypted' in socket))
      this.#tls.emit('connection', socket);
    else if (isUpperCase(first)) this.#protocols.http(socket);
    else socket.destroy();
  }

  #tryListen(host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
    return new Promise((resolve) => {
      const failed = (error: NodeJS.ErrnoException) => resolve(error);
      this.#server.once('error', failed);
      this.#server.listen(port, host, () => {
        this.#server.off('error', failed);
        resolve(undefined);
      });
    });
  }
}

/** HTTP begins with the name of a method; none begins with the A of AMQP. */
function isUpperCase(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5a;
}

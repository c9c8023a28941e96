// The one port: its first byte says whether AMQP, TLS or HTTP is spoken on a connection.
import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  createSecureContext,
  createServer as createTlsServer,
  type SecureContextOptions,
  type TLSSocket,
  type TlsOptions,
  type Server as TlsServer,
} from 'node:tls';
import { BrokerError } from '../errors.ts';
import type { Turns } from './turns.ts';

const DEFAULT_PORT = 5672;
const PORTS_TO_TRY = 100;
/** How long a client may take over its half of the goodbye. */
const CLOSE_GRACE_MS = 100;

/** Some more than there may be AMQP connections, for HTTP and for those who are told that there are too many. */
const MAX_SOCKETS = 6000;
/** Milliseconds of the broker's time that a TLS handshake costs a little later. */
const HANDSHAKE_COST_MS = 1;

const AMQP_FIRST = 0x41;
const TLS_HANDSHAKE = 0x16;

export interface Protocols {
  amqp(stream: Duplex): void;
  http(socket: Socket | TLSSocket): void;
}

export interface ServerCertificate {
  readonly cert: string;
  readonly key: string;
  /** The same for one more name of this machine. */
  forName(name: string): Promise<SecureContextOptions>;
}

/** One port for everything: the first byte of a connection tells what it is. */
export class Listener {
  readonly #protocols: Protocols;
  readonly #server: Server;
  readonly #tls: TlsServer | undefined;
  readonly #handshakeMs: number;
  readonly #turns: Turns;
  readonly #sockets = new Set<Socket>();
  /** Those that have said nothing, oldest first. */
  readonly #silent = new Set<Socket>();

  constructor(
    protocols: Protocols,
    handshakeMs: number,
    certificate: ServerCertificate | undefined,
    turns: Turns,
  ) {
    this.#turns = turns;
    this.#handshakeMs = handshakeMs;
    this.#protocols = protocols;
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    if (certificate) {
      const options: TlsOptions = {
        cert: certificate.cert,
        key: certificate.key,
        handshakeTimeout: handshakeMs,
        SNICallback: (name, done) => void this.#named(certificate, name, done),
      };
      this.#tls = createTlsServer(options, (socket) => {
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
    return this.#port;
  }

  get #port(): number {
    const address = this.#server.address();
    return address && typeof address === 'object' ? address.port : 0;
  }

  /** go-amqp takes host and port together for the name that the certificate has to be for (`newConn` in its conn.go). */
  async #named(
    certificate: ServerCertificate,
    name: string,
    done: Parameters<NonNullable<TlsOptions['SNICallback']>>[1],
  ): Promise<void> {
    if (name !== `localhost:${this.#port}` && name !== `127.0.0.1:${this.#port}`) return done(null);
    try {
      done(null, createSecureContext(await certificate.forName(name)));
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
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

  /** Cuts everything, as if the process had died. */
  async cut(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    // A connection that breaks before it has a protocol breaks nothing else.
    socket.on('error', () => {});
    if (this.#sockets.size >= MAX_SOCKETS) {
      const [oldest] = this.#silent;
      if (!oldest) return void socket.destroy();
      oldest.destroy();
      this.#forget(oldest);
    }
    this.#sockets.add(socket);
    this.#silent.add(socket);
    socket.on('close', () => this.#forget(socket));
    this.#sniff(socket);
  }

  #forget(socket: Socket): void {
    this.#sockets.delete(socket);
    this.#silent.delete(socket);
  }

  /** Looks at the first bytes and puts them back for the side that speaks that protocol. */
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
    this.#silent.delete(socket);
    if (first === AMQP_FIRST) this.#protocols.amqp(socket);
    else if (first === TLS_HANDSHAKE && this.#tls && !('encrypted' in socket))
      this.#encrypt(socket, this.#tls);
    else if (isUpperCase(first)) this.#protocols.http(socket);
    else socket.destroy();
  }

  /** In its turn: a storm of handshakes must not keep the others waiting. */
  #encrypt(socket: Socket, tls: TlsServer): void {
    const work = () => {
      this.#turns.charge(HANDSHAKE_COST_MS);
      if (!socket.destroyed) tls.emit('connection', socket);
      return false;
    };
    this.#turns.queue({ work });
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

import { createServer, type Server, type Socket } from 'node:net';
import type { Core } from '../core/core.ts';
import type { Namespace } from '../core/namespace.ts';
import { BrokerError } from '../errors.ts';
import type { Keys } from './authorization.ts';
import { Peer } from './peer.ts';
import { acceptSocket, type Connection, createContainer } from './rhea.ts';

const DEFAULT_PORT = 5672;
const PORTS_TO_TRY = 100;
const IDLE_TIMEOUT_MS = 120_000;
/** How long a client may take over its half of the goodbye. */
const CLOSE_GRACE_MS = 100;

/** The TCP listener and its connections. */
export class AmqpServer {
  readonly #core: Core;
  readonly #namespace: Namespace;
  readonly #keys: Keys;
  readonly #container = createContainer();
  readonly #connections = new Map<Socket, Connection>();
  readonly #server: Server;

  constructor(core: Core, namespace: Namespace, keys: Keys) {
    this.#core = core;
    this.#namespace = namespace;
    this.#keys = keys;
    this.#server = createServer((socket) => this.#accept(socket));
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
          {
            port: candidate,
          },
        );
      }
    }
    const address = this.#server.address();
    return address && typeof address === 'object' ? address.port : 0;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections.values()) {
      connection.close({ condition: 'amqp:connection:forced', description: 'The broker is stopping.' });
    }
    const grace = setTimeout(() => {
      for (const socket of this.#connections.keys()) socket.destroy();
    }, CLOSE_GRACE_MS);
    await closed;
    clearTimeout(grace);
  }

  #accept(socket: Socket): void {
    const connection = acceptSocket(this.#container, socket, IDLE_TIMEOUT_MS);
    const peer = new Peer(this.#core, this.#namespace, this.#keys, connection);
    this.#connections.set(socket, connection);
    this.#core.counters.add('connections');
    socket.on('close', () => {
      this.#connections.delete(socket);
      peer.gone();
    });
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

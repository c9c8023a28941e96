// AMQP connections from their accept to their goodbye.
import type { Duplex } from 'node:stream';
import type { Authority } from '../access/authority.ts';
import type { Core } from '../core/core.ts';
import type { Namespace } from '../core/namespace.ts';
import type { IdleTimes } from './idle.ts';
import { Peer } from './peer.ts';
import { acceptSocket, type Connection, createContainer } from './rhea.ts';

const IDLE_TIMEOUT_MS = 120_000;

interface Client {
  readonly connection: Connection;
  readonly peer: Peer;
}

/** The AMQP connections, whatever carries them. */
export class AmqpServer {
  readonly #core: Core;
  readonly #namespace: Namespace;
  readonly #authority: Authority;
  readonly #idleTimes: IdleTimes;
  /** From the first byte to the open frame. */
  readonly #openMs: number;
  readonly #container = createContainer();
  readonly #clients = new Map<Duplex, Client>();

  constructor(core: Core, namespace: Namespace, authority: Authority, idleTimes: IdleTimes, openMs: number) {
    this.#openMs = openMs;
    this.#idleTimes = idleTimes;
    this.#core = core;
    this.#namespace = namespace;
    this.#authority = authority;
    namespace.disabled = (path, half) => {
      for (const { peer } of this.#clients.values()) peer.disabled(path, half);
    };
    namespace.removed = (path) => {
      for (const { peer } of this.#clients.values()) peer.removed(path);
    };
  }

  accept(socket: Duplex): void {
    const connection = acceptSocket(this.#container, socket, IDLE_TIMEOUT_MS);
    const peer = new Peer(this.#core, this.#namespace, this.#authority, connection, this.#idleTimes);
    this.#clients.set(socket, { connection, peer });
    this.#core.counters.add('connections');
    const late = setTimeout(() => socket.destroy(), this.#openMs);
    connection.once('connection_open', () => clearTimeout(late));
    socket.on('close', () => {
      clearTimeout(late);
      this.#clients.delete(socket);
      peer.gone();
    });
  }

  /** Says goodbye; the sockets end with the clients' own. */
  close(): void {
    for (const { connection } of this.#clients.values()) {
      connection.close({ condition: 'amqp:connection:forced', description: 'The broker is stopping.' });
    }
  }
}

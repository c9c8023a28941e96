// AMQP connections from their accept to their goodbye.
import type { Duplex } from 'node:stream';
import type { Authority } from '../access/authority.ts';
import type { Core } from '../core/core.ts';
import type { Namespace } from '../core/namespace.ts';
import { serviceErrors } from '../errors.ts';
import { Holdings } from '../transport/holdings.ts';
import { Turns } from '../transport/turns.ts';
import { acceptSocket, type Shared } from './accept.ts';
import { AllUnsettled, Endpoints } from './client-limits.ts';
import { ConnectedClient } from './connected-client.ts';
import type { IdleTimes } from './idle.ts';
import { Peer } from './peer.ts';
import { type Connection, createContainer, holdMessages } from './rhea.ts';
import { offerMechanisms } from './sasl.ts';
import { Transactions } from './transactions.ts';

const IDLE_TIMEOUT_MS = 120_000;
/** The service's quota of a namespace (learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas). */
const MAX_CONNECTIONS = 5000;
/** Those beyond it are told so, unless there are too many of them as well. */
const MAX_REFUSED = 100;
/** What connections may hold of memory together; larger messages need room for a few of them. */
const HELD_BYTES = 64 * 1024 * 1024;
const HELD_MESSAGES = 3;

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
  /** Connections that have not opened, oldest first. */
  readonly #opening = new Set<Duplex>();
  #refused = 0;
  readonly #shared: Shared;

  constructor(core: Core, namespace: Namespace, authority: Authority, idleTimes: IdleTimes, openMs: number) {
    this.#openMs = openMs;
    this.#idleTimes = idleTimes;
    this.#core = core;
    this.#namespace = namespace;
    this.#authority = authority;
    offerMechanisms(this.#container, authority);
    this.#shared = {
      turns: new Turns(),
      holdings: new Holdings(Math.max(HELD_BYTES, core.limits.messageBytes * HELD_MESSAGES)),
      endpoints: new Endpoints(),
      unsettled: new AllUnsettled(),
      pulse: core.pulse,
    };
    namespace.disabled = (path) => {
      for (const { peer } of this.#clients.values()) peer.disabled(path);
    };
    namespace.keysChanged = () => {
      for (const { peer } of this.#clients.values()) peer.keysChanged();
    };
    namespace.removed = (path) => {
      for (const { peer } of this.#clients.values()) peer.removed(path);
    };
  }

  get connections(): number {
    return this.#clients.size;
  }

  get endpoints(): number {
    return this.#shared.endpoints.count;
  }

  get turns(): Turns {
    return this.#shared.turns;
  }

  get holdings(): Holdings {
    return this.#shared.holdings;
  }

  /** In its turn: a storm of connections must not keep the others waiting. */
  accept(socket: Duplex): void {
    const work = () => {
      if (!socket.destroyed) this.#accept(socket);
      return false;
    };
    this.turns.queue({ work });
  }

  #accept(socket: Duplex): void {
    if (this.#clients.size >= MAX_CONNECTIONS) {
      const [oldest] = this.#opening;
      if (!oldest) return this.#refuse(socket);
      oldest.destroy();
      this.#forget(oldest);
    }
    const connection = this.#open(socket, () => this.#opening.delete(socket));
    const client = new ConnectedClient(
      connection,
      socket,
      new Transactions(this.#core.committer, this.#core.clientAlarms, (change) =>
        holdMessages(connection, change),
      ),
    );
    if (this.#core.locksStand) client.listen();
    const peer = new Peer(this.#core, this.#namespace, this.#authority, connection, client, this.#idleTimes);
    this.#clients.set(socket, { connection, peer });
    this.#opening.add(socket);
    this.#core.counters.add('connections');
    connection.once('connection_open', () => this.#expectToken(socket, connection, peer));
    socket.on('close', () => {
      this.#forget(socket);
      peer.gone();
    });
  }

  /** The service drops a connection that brings no valid token within 20 seconds. */
  #expectToken(socket: Duplex, connection: Connection, peer: Peer): void {
    const late = setTimeout(() => {
      if (peer.authorized) return;
      connection.close({
        condition: 'amqp:unauthorized-access',
        description: 'No valid token has been put on this connection in time.',
      });
      socket.end();
    }, this.#openMs);
    socket.on('close', () => clearTimeout(late));
  }

  #forget(socket: Duplex): void {
    this.#opening.delete(socket);
    this.#clients.delete(socket);
  }

  #open(socket: Duplex, opened: () => void): Connection {
    const connection = acceptSocket(this.#container, socket, IDLE_TIMEOUT_MS, this.#shared);
    const late = setTimeout(() => socket.destroy(), this.#openMs);
    socket.on('close', () => clearTimeout(late));
    connection.once('connection_open', () => {
      clearTimeout(late);
      opened();
    });
    return connection;
  }

  #refuse(socket: Duplex): void {
    if (this.#refused >= MAX_REFUSED) return void socket.destroy();
    this.#refused += 1;
    socket.on('close', () => {
      this.#refused -= 1;
    });
    const { condition, message: description } = serviceErrors.tooManyConnections(MAX_CONNECTIONS);
    const connection = this.#open(socket, () => connection.close({ condition, description }));
  }

  *peers(): Iterable<Peer> {
    for (const { peer } of this.#clients.values()) yield peer;
  }

  /** Cuts everything, as if the process had died. */
  cut(): void {
    for (const { peer } of this.#clients.values()) peer.client.cut();
  }

  /** Says goodbye; the sockets end with the clients' own. */
  close(): void {
    for (const { connection } of this.#clients.values()) {
      connection.close({ condition: 'amqp:connection:forced', description: 'The broker is stopping.' });
    }
  }
}

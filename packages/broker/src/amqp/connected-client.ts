/** One connection as faults and the virtual clock see it: who it is, whether it lives, what has not left yet. */
import type { Duplex } from 'node:stream';
import { flushed } from '../control/flushed.ts';
import type { Client } from '../control/match.ts';
import type { Holder } from '../core/records.ts';
import { allWritten, type Connection, containerOf, hostOf, passesOf } from './rhea.ts';
import type { Transactions } from './transactions.ts';

export class ConnectedClient implements Client, Holder {
  readonly #connection: Connection;
  readonly #socket: Duplex;
  #received = 0;

  readonly transactions: Transactions;

  constructor(connection: Connection, socket: Duplex, transactions: Transactions) {
    this.transactions = transactions;
    this.#connection = connection;
    this.#socket = socket;
  }

  get container(): string | undefined {
    return containerOf(this.#connection);
  }

  /** The broker's name in this client's addresses. */
  get host(): string {
    return hostOf(this.#connection);
  }

  get name(): string {
    return this.container ?? 'a connection that has not opened';
  }

  get live(): boolean {
    return !this.#socket.destroyed;
  }

  /** Counts what it says; nobody needs that unless time is virtual. */
  listen(): void {
    this.#socket.on('data', () => {
      this.#received += 1;
    });
  }

  /** A number that grows with everything that it says or is told. */
  get moves(): number {
    return this.#received + passesOf(this.#connection);
  }

  /** Something that it has been given has not left yet. */
  get unwritten(): boolean {
    return this.live && (this.#socket.writableLength > 0 || !allWritten(this.#connection));
  }

  cut(): void {
    this.#socket.destroy();
  }

  flushed(): Promise<void> {
    return flushed(this.#socket);
  }
}

// One connection as faults and the virtual clock see it: who it is, whether it lives, what has not left yet; and its settlements
// on their way to the queue, past the faults that may meet them.
import type { Duplex } from 'node:stream';
import { type Act, type Client, flushed } from '../control/match.ts';
import type { Ack, Outcome } from '../core/outcome.ts';
import type { Queue } from '../core/queue.ts';
import type { Holder, Lock } from '../core/records.ts';
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

/** What a fault makes of a completion: acknowledged, and the message comes again. */
const COMES_AGAIN: Outcome = { kind: 'abandon', changes: new Map() };

export function settle(queue: Queue, lock: Lock, outcome: Outcome, client: ConnectedClient, ack: Ack): void {
  const { faults } = queue.core;
  if (!faults.armed) return queue.settle(lock, outcome, ack);
  const act = lockAct('settle', queue, lock, client);
  const work = (answer: Ack) => {
    const again = outcome.kind === 'complete' && faults.duplicates(act, 'settlement');
    queue.settle(lock, again ? COMES_AGAIN : outcome, answer);
  };
  faults.through(act, work, ack);
}

/** A locked message as faults see it; in a session the lock is the session's. */
export function lockAct(
  operation: Act['operation'],
  queue: Queue,
  { message }: Lock,
  client: ConnectedClient,
): Act {
  const session = message.session?.id;
  return {
    operation,
    entity: queue.path,
    session,
    messageId: message.place === 'gone' ? undefined : queue.core.envelopeOf(message).messageId,
    lock: session === undefined ? { sequenceNumber: message.seq } : { session },
    client,
  };
}

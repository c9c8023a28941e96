/**
 * Transactions of one connection (docs.oasis-open.org/amqp/core/v1.0, part 4): what is sent and settled under one is done
 * when it is discharged, in one transaction of the store, or not at all.
 */
import type { Alarm, Alarms } from '../clock.ts';
import { atomically, type Committer, type Operation } from '../core/committer.ts';
import type { Ack } from '../core/outcome.ts';
import { ServiceError } from '../errors.ts';

/** learn.microsoft.com/azure/service-bus-messaging/service-bus-transactions and service-bus-quotas */
const LIFETIME_MS = 120_000;
const MAX_OPERATIONS = 100;
/** Open transactions of one connection. */
const MAX_OPEN = 1000;
const ID_BYTES = 8;

export interface Enlisted {
  readonly run: Operation;
  /** What it keeps in memory. */
  readonly bytes: number;
  /** What a rollback means to it beside that nothing is done. */
  readonly undo?: () => void;
}

interface Transaction {
  readonly work: Enlisted[];
  readonly alarm: Alarm;
  /** The coordinator link that it was declared on. */
  readonly owner: object;
}

const refusals = {
  unknown: () =>
    new ServiceError('amqp:transaction:unknown-id', 400, 'There is no such transaction, or it is over.'),
  rolledBack: (why: string) => new ServiceError('amqp:transaction:rollback', 400, why),
  tooMuch: (what: string) => new ServiceError('amqp:resource-limit-exceeded', 403, what),
};

export class Transactions {
  readonly #committer: Committer;
  readonly #alarms: Alarms;
  /** Told how many bytes are kept; a negative number is given back. */
  readonly #hold: (change: number) => void;
  readonly #open = new Map<string, Transaction>();
  #lastId = 0n;

  constructor(committer: Committer, alarms: Alarms, hold: (change: number) => void) {
    this.#hold = hold;
    this.#committer = committer;
    this.#alarms = alarms;
  }

  declare(owner: object): Buffer | ServiceError {
    if (this.#open.size >= MAX_OPEN) return refusals.tooMuch('Too many transactions are open.');
    const id = Buffer.alloc(ID_BYTES);
    this.#lastId += 1n;
    id.writeBigUInt64BE(this.#lastId);
    const alarm = this.#alarms.create(() => this.#rollBack(id));
    alarm.set(this.#alarms.now() + LIFETIME_MS);
    this.#open.set(key(id), { work: [], alarm, owner });
    return id;
  }

  enlist(id: Buffer, work: Enlisted): ServiceError | undefined {
    const transaction = this.#open.get(key(id));
    if (!transaction) return refusals.unknown();
    if (transaction.work.length >= MAX_OPERATIONS) {
      return refusals.tooMuch(`A transaction has at most ${MAX_OPERATIONS} operations.`);
    }
    transaction.work.push(work);
    this.#hold(work.bytes);
    return undefined;
  }

  discharge(id: Buffer, fail: boolean, ack: Ack): void {
    if (fail) return ack(this.#rollBack(id) ? undefined : refusals.unknown());
    const transaction = this.#close(id);
    if (!transaction) return ack(refusals.unknown());
    const operations = transaction.work.map(({ run }) => run);
    atomically(this.#committer, operations, (error) => {
      if (error) undo(transaction);
      ack(error && refusals.rolledBack(`The transaction is rolled back: ${error.message}`));
    });
  }

  /** A coordinator link is gone: what was not discharged is rolled back. */
  end(owner: object): void {
    for (const [id, transaction] of this.#open)
      if (transaction.owner === owner) this.#rollBack(Buffer.from(id, 'hex'));
  }

  #rollBack(id: Buffer): boolean {
    const transaction = this.#close(id);
    if (transaction) undo(transaction);
    return transaction !== undefined;
  }

  #close(id: Buffer): Transaction | undefined {
    const transaction = this.#open.get(key(id));
    transaction?.alarm.set(undefined);
    this.#open.delete(key(id));
    for (const { bytes } of transaction?.work ?? []) this.#hold(-bytes);
    return transaction;
  }
}

function undo({ work }: Transaction): void {
  for (const each of work) each.undo?.();
}

function key(id: Buffer): string {
  return id.toString('hex');
}

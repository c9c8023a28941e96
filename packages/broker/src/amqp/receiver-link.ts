// A client's receiver: takes messages within its credit and settles them; of a queue, or of one session.
import { stamped } from '../codec/stamp.ts';
import type { Ack, Outcome } from '../core/outcome.ts';
import { shown, stampOf } from '../core/peek.ts';
import type { Queue } from '../core/queue.ts';
import type { Consumer, Lock, StoredMessage } from '../core/records.ts';
import { type ServiceError, serviceErrors } from '../errors.ts';
import { type ConnectedClient, lockAct, settle } from './connected-client.ts';
import { Copies, settledTag, toDeliveryTag } from './copies.ts';
import { confirmation, rejected, settleDelivery, toOutcome } from './dispositions.ts';
import {
  allSent,
  creditOf,
  type Delivery,
  isDraining,
  localAttach,
  nudge,
  outgoingOf,
  promise,
  remoteOutcome,
  remoteSource,
  roomOf,
  type Sender,
  sendSettled,
  sendUnsettled,
  trafficOf,
  transactionOf,
} from './rhea.ts';
import type { Traffic } from './traffic.ts';
import { provisional } from './transactional-state.ts';

const SETTLED = 1;
/** About what one takes in memory that waits for the end of its transaction. */
const SETTLEMENT_BYTES = 512;

/** A client's receiver: takes messages within its credit and settles them; of a queue, or of one session. */
export class ReceiverLink implements Consumer {
  readonly name: string;
  readonly receiveAndDelete: boolean;
  readonly #sender: Sender;
  readonly #queue: Queue;
  readonly #client: ConnectedClient;
  readonly #traffic: Traffic;
  readonly #locks = new Map<Delivery, Lock>();
  /** Handed to rhea and not yet written, so still within the credit it shows. */
  #unsent = 0;
  /** Promised to messages that are being removed for this link. */
  #reserved = 0;
  /** Sent without a lock. */
  #settled = 0;
  #draining = false;
  /** Second transfers of messages that a fault delivers twice. */
  #copies: Copies | undefined;
  #closed = false;
  /** Asks the queue or the session for more. */
  feed: () => void = () => {};
  readonly #feedAgain = () => {
    this.feed();
    if (this.#draining) this.#drain();
  };

  constructor(sender: Sender, queue: Queue, client: ConnectedClient) {
    this.#client = client;
    this.#sender = sender;
    this.#traffic = trafficOf(sender);
    this.#queue = queue;
    this.name = sender.name;
    this.receiveAndDelete = sender.snd_settle_mode === SETTLED;
    const attach = localAttach(sender);
    attach.snd_settle_mode = this.receiveAndDelete ? SETTLED : 0;
    attach.rcv_settle_mode = sender.rcv_settle_mode;
    sender.set_target({ address: sender.target?.address });
    sender.set_source({ address: remoteSource(sender)?.address ?? '' });

    for (const event of ['sender_flow', 'sendable']) {
      sender.on(event, () => {
        this.#sendCopies();
        this.feed();
      });
    }
    sender.on('sender_draining', () => this.#drain());
    for (const event of ['accepted', 'rejected', 'released', 'modified']) {
      sender.on(event, ({ delivery }) => this.#settle(delivery as Delivery));
    }
    // Settled without an outcome: nothing more will come, so the buffer's slot is freed.
    sender.on('settled', ({ delivery }) => {
      if (delivery && !delivery.settled && !this.#locks.has(delivery)) settleDelivery(delivery, undefined);
    });
  }

  get live(): boolean {
    return !this.#closed;
  }

  capacity(): number {
    if (this.#closed || !this.#sender.is_open()) return 0;
    if (allSent(this.#sender)) this.#unsent = 0;
    const room = Math.min(
      creditOf(this.#sender) - this.#unsent - this.#reserved,
      roomOf(this.#sender) - this.#reserved,
    );
    return room > 0 && !this.#mustWait() ? room : 0;
  }

  /** Whether to wait for a peer that reads slowly, or owes outcomes for very many messages. */
  #mustWait(): boolean {
    const { unsettled } = this.#traffic;
    const session = outgoingOf(this.#sender);
    if (this.#traffic.congested(session)) this.#traffic.whenClear(session, this.#feedAgain);
    else if (!this.receiveAndDelete && unsettled.full) unsettled.whenRoom(this.#feedAgain);
    else return false;
    return true;
  }

  reserve(bytes: number): void {
    this.#reserved += 1;
    promise(this.#sender, 1);
    this.#traffic.reserve(outgoingOf(this.#sender), bytes);
  }

  unreserve(bytes: number): void {
    this.#keepPromise(bytes);
    if (this.#draining) this.#drain();
  }

  #keepPromise(bytes: number): void {
    this.#reserved -= 1;
    promise(this.#sender, -1);
    this.#traffic.reserve(outgoingOf(this.#sender), -bytes);
  }

  deliver(message: StoredMessage, bytes: Buffer, lock: Lock | undefined): void {
    const { core } = this.#queue;
    const encoded = stamped(bytes, stampOf(message, lock && shown(core, lock)));
    if (!lock) {
      this.#keepPromise(bytes.length);
      if (this.#closed) return;
      this.#unsent += 1;
      this.#settled += 1;
      sendSettled(this.#sender, encoded, settledTag(this.#settled));
      if (this.#draining) this.#drain();
      return;
    }
    this.#unsent += 1;
    this.#locks.set(sendUnsettled(this.#sender, encoded, toDeliveryTag(lock.token)), lock);
    this.#traffic.unsettled.add(1);
    if (core.faults.armed && this.#comesTwice(lock)) {
      this.#copies ??= new Copies(this.#sender);
      core.faults.copies.add(this.#copies);
      this.#copies.add(encoded);
      this.#sendCopies();
    }
  }

  #sendCopies(): void {
    if (this.#copies) this.#unsent += this.#copies.send(this.capacity());
  }

  lost(error: ServiceError): void {
    this.close(error);
  }

  close(error?: ServiceError): void {
    this.#closed = true;
    this.#sender.close(error && { condition: error.condition, description: error.message });
  }

  /** The client or its connection is gone. */
  closed(): void {
    this.#closed = true;
    this.#queue.plain?.forget(this);
    this.#traffic.unsettled.add(-this.#locks.size);
    this.#locks.clear();
    if (this.#copies) this.#queue.core.faults.copies.delete(this.#copies);
  }

  /** A client that asked for a session may have asked for its messages before there was one. */
  begin(): void {
    this.feed();
    if (isDraining(this.#sender)) this.#drain();
  }

  /** Answered when nothing more comes for now: what is on its way out of the store comes, and what its peer has no room for. */
  #drain(): void {
    this.feed();
    const session = outgoingOf(this.#sender);
    const congested = this.#traffic.congested(session);
    this.#draining = congested || this.#reserved > 0;
    if (congested) this.#traffic.whenClear(session, this.#feedAgain);
    if (!this.#draining) this.#drained();
  }

  #drained(): void {
    this.#sender.set_drained(true);
    nudge(this.#sender.connection);
  }

  #settle(delivery: Delivery): void {
    const lock = this.#locks.get(delivery);
    const wire = remoteOutcome(delivery);
    if (!lock) this.#copies?.settle(delivery);
    if (!lock || !wire) return;
    let outcome: Outcome | undefined;
    try {
      outcome = toOutcome(wire);
    } catch (error) {
      return settleDelivery(
        delivery,
        rejected(serviceErrors.invalid(`The outcome cannot be read: ${String(error)}`)),
      );
    }
    if (!outcome) return;
    this.#locks.delete(delivery);
    this.#traffic.unsettled.add(-1);
    const transaction = transactionOf(delivery);
    if (transaction) {
      const refused = this.#enlist(transaction, delivery, lock, outcome);
      const state = refused ? rejected(refused) : provisional(transaction, confirmation(wire));
      return settleDelivery(delivery, state);
    }
    const answer: Ack = (error) => {
      // Its delivery is over, though the message may still be locked.
      if (error) lock.holder = undefined;
      settleDelivery(delivery, error ? rejected(error) : confirmation(wire));
    };
    settle(this.#queue, lock, outcome, this.#client, answer);
  }

  /** After a rollback the lock is there as before; only who has settled by himself already gets the message again. */
  #enlist(id: Buffer, delivery: Delivery, lock: Lock, outcome: Outcome): ServiceError | undefined {
    const queue = this.#queue;
    const refusal = queue.delivery.refusal(lock);
    if (refusal) return refusal;
    const settled = delivery.remote_settled;
    return this.#client.transactions.enlist(id, {
      run: (ack) => queue.settle(lock, outcome, ack),
      bytes: SETTLEMENT_BYTES,
      undo: () => {
        lock.holder = undefined;
        if (settled) queue.settle(lock, { kind: 'abandon', changes: new Map() }, () => {});
      },
    });
  }

  #comesTwice(lock: Lock): boolean {
    const { core } = this.#queue;
    return core.faults.duplicates(lockAct('deliver', this.#queue, lock, this.#client), 'delivery');
  }
}

import { stamped } from '../codec/stamp.ts';
import type { Outcome } from '../core/outcome.ts';
import { stampOf } from '../core/peek.ts';
import type { Queue } from '../core/queue.ts';
import type { Consumer, Lock, StoredMessage } from '../core/records.ts';
import { type ServiceError, serviceErrors } from '../errors.ts';
import { settleDelivery } from './dispositions.ts';
import { toDeliveryTag } from './lock-token.ts';
import { confirmation, rejected, toOutcome } from './outcomes.ts';
import {
  allSent,
  creditOf,
  type Delivery,
  localAttach,
  nudge,
  remoteOutcome,
  remoteSource,
  roomOf,
  type Sender,
  sendSettled,
} from './rhea.ts';

const SETTLED = 1;

/** A client's receiver: takes messages within its credit and settles them; of a queue, or of one session. */
export class ReceiverLink implements Consumer {
  readonly name: string;
  readonly receiveAndDelete: boolean;
  readonly #sender: Sender;
  readonly #queue: Queue;
  readonly #locks = new Map<Delivery, Lock>();
  /** Handed to rhea and not yet written, so still within the credit it shows. */
  #unsent = 0;
  /** Promised to messages that are being removed for this link. */
  #reserved = 0;
  #draining = false;
  #closed = false;
  /** Asks the queue or the session for more. */
  feed: () => void = () => {};

  constructor(sender: Sender, queue: Queue) {
    this.#sender = sender;
    this.#queue = queue;
    this.name = sender.name;
    this.receiveAndDelete = sender.snd_settle_mode === SETTLED;
    const attach = localAttach(sender);
    attach.snd_settle_mode = this.receiveAndDelete ? SETTLED : 0;
    attach.rcv_settle_mode = sender.rcv_settle_mode;
    sender.set_target({ address: sender.target?.address });
    sender.set_source({ address: remoteSource(sender)?.address ?? '' });

    sender.on('sender_flow', () => this.feed());
    sender.on('sendable', () => this.feed());
    sender.on('sender_draining', () => this.#drain());
    for (const event of ['accepted', 'rejected', 'released', 'modified']) {
      sender.on(event, ({ delivery }) => this.#settle(delivery as Delivery));
    }
    // Settled without an outcome: nothing more will come, so the buffer's slot is freed.
    sender.on('settled', ({ delivery }) => {
      if (delivery && !delivery.settled && !this.#locks.has(delivery)) settleDelivery(delivery, undefined);
    });
  }

  capacity(): number {
    if (this.#closed || !this.#sender.is_open()) return 0;
    if (allSent(this.#sender)) this.#unsent = 0;
    return Math.min(
      creditOf(this.#sender) - this.#unsent - this.#reserved,
      roomOf(this.#sender) - this.#reserved,
    );
  }

  reserve(): void {
    this.#reserved += 1;
  }

  deliver(message: StoredMessage, bytes: Buffer, lock: Lock | undefined): void {
    const encoded = stamped(bytes, stampOf(message, lock?.until));
    if (!lock) {
      this.#reserved -= 1;
      if (this.#closed) return;
      this.#unsent += 1;
      sendSettled(this.#sender, encoded);
      if (this.#draining && this.#reserved === 0) this.#drained();
      return;
    }
    this.#unsent += 1;
    this.#locks.set(this.#sender.send(encoded, toDeliveryTag(lock.token), 0), lock);
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
    this.#locks.clear();
  }

  #drain(): void {
    this.feed();
    if (this.#reserved > 0) this.#draining = true;
    else this.#drained();
  }

  #drained(): void {
    this.#draining = false;
    this.#sender.set_drained(true);
    nudge(this.#sender.connection);
  }

  #settle(delivery: Delivery): void {
    const lock = this.#locks.get(delivery);
    const wire = remoteOutcome(delivery);
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
    this.#queue.settle(lock, outcome, (error) => {
      settleDelivery(delivery, error ? rejected(error) : confirmation(wire));
    });
  }
}

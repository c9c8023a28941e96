import type { Alarm } from '../clock.ts';
import { type ServiceError, serviceErrors } from '../errors.ts';
import type { Pump } from './committer.ts';
import type { Core } from './core.ts';
import type { Delivery, DeliveryOwner } from './delivery.ts';
import { Fifo } from './fifo.ts';
import { ReadyList } from './ready.ts';
import { type Consumer, Lock, type StoredMessage } from './records.ts';

/** Competing consumers: every message under its own lock, receivers with credit served in turn. */
export class PlainDelivery implements Delivery, Pump {
  readonly #core: Core;
  readonly #owner: DeliveryOwner;
  readonly #ready = new ReadyList<StoredMessage>();
  /** One duration for the queue and renewals at the end: the order of the map is the order of expiry. */
  readonly #locks = new Map<string, Lock>();
  readonly #lockAlarm: Alarm;
  readonly #hungry = new Fifo<Consumer>();
  readonly #known = new Set<Consumer>();

  constructor(core: Core, owner: DeliveryOwner) {
    this.#core = core;
    this.#owner = owner;
    this.#lockAlarm = core.alarms.create(() => this.#expireLocks());
  }

  get lockCount(): number {
    return this.#locks.size;
  }

  get sessionCount(): number {
    return 0;
  }

  get waiting(): ReadyList<StoredMessage> {
    return this.#ready;
  }

  ready(message: StoredMessage): void {
    message.place = 'ready';
    this.#ready.add(message);
    this.#core.committer.touch(this);
  }

  adopt(): void {}

  left(): void {}

  /** The consumer has room for messages. */
  feed(consumer: Consumer): void {
    if (!this.#known.has(consumer)) {
      this.#known.add(consumer);
      this.#hungry.push(consumer);
    }
    this.pump();
  }

  pump(): void {
    for (let message = this.#ready.first(); message; message = this.#ready.first()) {
      if (message.expiresAt > 0 && message.expiresAt <= this.#core.alarms.now()) {
        this.#owner.expire([message]);
        continue;
      }
      if (this.#owner.forwards) {
        this.#ready.take();
        message.place = 'held';
        this.#owner.forward(message);
        continue;
      }
      if (this.#owner.disabled) return;
      const consumer = this.#nextConsumer();
      if (!consumer) return;
      this.#ready.take();
      message.place = 'held';
      if (consumer.receiveAndDelete) this.#owner.removeFor(message, consumer);
      else this.#owner.handOut(message, consumer, this.lock(message, consumer));
    }
  }

  #nextConsumer(): Consumer | undefined {
    for (let consumer = this.#hungry.shift(); consumer; consumer = this.#hungry.shift()) {
      if (consumer.capacity() > 0) {
        this.#hungry.push(consumer);
        return consumer;
      }
      this.#known.delete(consumer);
    }
    return undefined;
  }

  lock(message: StoredMessage, consumer: Consumer | undefined): Lock {
    const lock = new Lock(message, this.#core.alarms.now() + this.#owner.lockMs, consumer);
    this.#locks.set(lock.key, lock);
    this.watch(lock);
    return lock;
  }

  watch(lock: Lock): void {
    if (this.#lockAlarm.at === undefined || lock.until < this.#lockAlarm.at) this.#lockAlarm.set(lock.until);
  }

  find(key: string): Lock | undefined {
    return this.#locks.get(key);
  }

  refusal(lock: Lock): ServiceError | undefined {
    return lock.open && this.#locks.has(lock.key) ? undefined : serviceErrors.messageLockLost();
  }

  release(lock: Lock): void {
    this.#locks.delete(lock.key);
  }

  renew(lock: Lock): number {
    lock.until = this.#core.alarms.now() + this.#owner.lockMs;
    this.#locks.delete(lock.key);
    this.#locks.set(lock.key, lock);
    return lock.until;
  }

  #expireLocks(): void {
    const now = this.#core.alarms.now();
    const lost: Lock[] = [];
    for (const lock of this.#locks.values()) {
      if (lock.until > now) {
        this.#lockAlarm.set(lock.until);
        break;
      }
      // One that is just being settled is left to its commit.
      if (lock.open) lost.push(lock);
    }
    if (lost.length > 0) this.#owner.lockLost(lost);
  }
}

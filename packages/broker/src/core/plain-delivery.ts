// Competing consumers: every message under its own lock, receivers with credit served in turn.
import type { Alarm } from '../clock.ts';
import { WaitingLine } from '../collections.ts';
import { type ServiceError, serviceErrors } from '../errors.ts';
import type { Pump } from './committer.ts';
import type { Core } from './core.ts';
import { type Delivery, type DeliveryOwner, MOST_FORWARDING, MOST_IN_MEMORY } from './delivery.ts';
import { Line, type Page } from './line.ts';
import { type Consumer, type Holder, Lock, type StoredMessage } from './records.ts';

/** Each is a write: those of a receiver that took thousands and left end in several commits, with others in between. */
const MOST_EXPIRING = 100;
const NEXT_EXPIRING_MS = 1;

/** Competing consumers: every message under its own lock, receivers with credit served in turn. */
export class PlainDelivery implements Delivery, Pump {
  readonly #core: Core;
  readonly #owner: DeliveryOwner;
  readonly #line = new Line<StoredMessage>();
  inMemory = 0;
  readonly #forwarding = new Set<StoredMessage>();
  /** One duration for the queue and renewals at the end: the order of the map is the order of expiry. */
  readonly #locks = new Map<string, Lock>();
  readonly #lockAlarm: Alarm;
  readonly #hungry = new WaitingLine<Consumer>((consumer) => this.#known.has(consumer));
  readonly #known = new Set<Consumer>();

  constructor(core: Core, owner: DeliveryOwner) {
    this.#core = core;
    this.#owner = owner;
    this.#lockAlarm = core.alarms.create(() => this.#expireLocks());
  }

  get lockCount(): number {
    return this.#locks.size;
  }

  get locks(): Iterable<Lock> {
    return this.#locks.values();
  }

  restore(): void {
    this.#line.restore(0);
    this.#core.committer.touch(this);
  }

  keeps(message: StoredMessage): boolean {
    if (this.#line.keeps(message.seq, this.inMemory < MOST_IN_MEMORY)) return true;
    this.#core.committer.touch(this);
    return false;
  }

  ready(message: StoredMessage): void {
    message.place = 'ready';
    this.inMemory += 1;
    this.#line.add(message);
    this.#core.committer.touch(this);
  }

  first(): StoredMessage | undefined {
    return this.#line.first((after) => this.#read(after));
  }

  take(message: StoredMessage): void {
    this.#line.take();
    this.inMemory -= 1;
    message.place = 'held';
  }

  withdrawn(): void {
    this.inMemory -= 1;
  }

  #read(after: number): Page<StoredMessage> | undefined {
    const page = this.#owner.read(after, {});
    if (page) this.inMemory += page.messages.length;
    else this.#core.committer.touch(this);
    return page;
  }

  entered(): void {}

  left(message: StoredMessage): void {
    if (this.#forwarding.delete(message)) this.#core.committer.touch(this);
  }

  /** The consumer has room for messages. */
  feed(consumer: Consumer): void {
    if (!this.#known.has(consumer)) {
      this.#known.add(consumer);
      this.#hungry.push(consumer);
    }
    this.pump();
  }

  /** The consumer is gone; no message may ever come that would meet it. */
  forget(consumer: Consumer): void {
    if (this.#known.delete(consumer)) this.#hungry.left();
  }

  /** Nothing is read from disk that nobody waits for. */
  #next(): StoredMessage | undefined {
    const { forwards, disabled } = this.#owner;
    const wanted = forwards ? this.#forwarding.size < MOST_FORWARDING : !disabled && this.#hungry.size > 0;
    return wanted ? this.first() : this.#line.first();
  }

  pump(): void {
    for (let message = this.#next(); message; message = this.#next()) {
      if (message.expiresAt > 0 && message.expiresAt <= this.#core.alarms.now()) {
        this.#owner.expire([message]);
        continue;
      }
      if (this.#owner.forwards) {
        if (this.#forwarding.size >= MOST_FORWARDING) return;
        this.take(message);
        this.#forwarding.add(message);
        this.#owner.forward(message);
        continue;
      }
      if (this.#owner.disabled) return;
      const consumer = this.#nextConsumer();
      if (!consumer) return;
      this.take(message);
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

  lock(message: StoredMessage, holder: Holder | undefined): Lock {
    const lock = new Lock(message, this.#core.alarms.now() + this.#owner.lockMs, holder);
    this.#locks.set(lock.key, lock);
    this.watch(lock);
    this.#core.handOuts?.out(message);
    return lock;
  }

  watch(lock: Lock): void {
    if (this.#core.locksStand && lock.holder?.live) return;
    if (this.#lockAlarm.at === undefined || lock.until < this.#lockAlarm.at) this.#lockAlarm.set(lock.until);
  }

  /** Ends these locks as if their time were over. */
  lose(locks: Lock[]): void {
    const lost = locks.filter((lock) => lock.open);
    if (lost.length > 0) this.#owner.lockLost(lost);
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
    const most = this.#core.locksStand ? Number.POSITIVE_INFINITY : MOST_EXPIRING;
    const lost: Lock[] = [];
    for (const lock of this.#locks.values()) {
      if (lost.length === most) {
        this.#lockAlarm.set(now + NEXT_EXPIRING_MS);
        break;
      }
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

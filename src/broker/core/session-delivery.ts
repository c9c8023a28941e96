import type { Alarm } from '../clock.ts';
import { type ServiceError, serviceErrors } from '../errors.ts';
import type { Pump } from './committer.ts';
import type { Core } from './core.ts';
import type { Delivery, DeliveryOwner } from './delivery.ts';
import { Fifo } from './fifo.ts';
import { type Consumer, type Hold, Lock, Session, type StoredMessage } from './records.ts';

/** Somebody waiting for the next session that has messages. */
export interface SessionWaiter {
  readonly consumer: Consumer;
  accepted(hold: Hold): void;
  waiting: boolean;
}

/** Session by session: a receiver holds a session and gets its messages in order. */
export class SessionDelivery implements Delivery, Pump {
  readonly #core: Core;
  readonly #owner: DeliveryOwner;
  readonly #sessions = new Map<string, Session>();
  /** Sessions with ready messages and no holder, longest waiting first. */
  readonly #available = new Fifo<Session>();
  readonly #waiters = new Fifo<SessionWaiter>();
  /** In the order of expiry, because every lock lasts as long and renewals go to the end. */
  readonly #holds = new Map<Session, Hold>();
  readonly #alarm: Alarm;
  readonly #touched = new Set<Session>();

  constructor(core: Core, owner: DeliveryOwner) {
    this.#core = core;
    this.#owner = owner;
    this.#alarm = core.alarms.create(() => this.#expireHolds());
  }

  get lockCount(): number {
    return this.#holds.size;
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  get(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  ids(): Iterable<string> {
    return this.#sessions.keys();
  }

  /** The session of a message that is about to be stored. */
  ensure(id: string): Session {
    let session = this.#sessions.get(id);
    if (!session) {
      session = new Session(id);
      this.#sessions.set(id, session);
    }
    return session;
  }

  adopt(message: StoredMessage): void {
    if (message.session) message.session.messages += 1;
  }

  ready(message: StoredMessage): void {
    message.place = 'ready';
    const session = message.session;
    if (!session) return;
    session.ready.add(message);
    this.#touch(session);
  }

  left(message: StoredMessage): void {
    if (!message.session) return;
    message.session.messages -= 1;
    this.#forgetIfIdle(message.session);
  }

  acceptNamed(id: string, consumer: Consumer): Hold | ServiceError {
    const session = this.ensure(id);
    return session.hold ? serviceErrors.sessionCannotBeLocked(id) : this.#take(session, consumer);
  }

  acceptNext(waiter: SessionWaiter): void {
    this.#waiters.push(waiter);
    this.#match();
  }

  /** The receiver is gone: its session is free at once and nothing counts as delivered. */
  giveUp(hold: Hold): void {
    if (hold.session.hold !== hold) return;
    this.#free(hold);
    this.#owner.returned(openLocks(hold));
    this.#offer(hold.session);
  }

  renew(hold: Hold): number {
    hold.until = this.#core.alarms.now() + this.#owner.lockMs;
    this.#holds.delete(hold.session);
    this.#holds.set(hold.session, hold);
    return hold.until;
  }

  feed(hold: Hold): void {
    if (hold.session.hold === hold) this.#serve(hold);
  }

  pump(): void {
    for (const session of this.#touched) {
      this.#touched.delete(session);
      if (session.hold) this.#serve(session.hold);
      else this.#offer(session);
    }
  }

  lock(message: StoredMessage, consumer: Consumer | undefined): Lock {
    const hold = message.session?.hold;
    const lock = new Lock(message, hold?.until ?? 0, consumer);
    hold?.locks.set(lock.key, lock);
    return lock;
  }

  find(key: string, sessionId: string | undefined): Lock | undefined {
    return sessionId === undefined ? undefined : this.#sessions.get(sessionId)?.hold?.locks.get(key);
  }

  refusal(lock: Lock): ServiceError | undefined {
    const held = lock.open && lock.message.session?.hold?.locks.get(lock.key) === lock;
    return held ? undefined : serviceErrors.sessionLockLost(lock.message.session?.id ?? '');
  }

  release(lock: Lock): void {
    lock.message.session?.hold?.locks.delete(lock.key);
  }

  #touch(session: Session): void {
    this.#touched.add(session);
    this.#core.committer.touch(this);
  }

  #take(session: Session, consumer: Consumer): Hold {
    const until = this.#core.alarms.now() + this.#owner.lockMs;
    const hold: Hold = { session, consumer, until, locks: new Map() };
    session.hold = hold;
    this.#holds.set(session, hold);
    if (this.#alarm.at === undefined) this.#alarm.set(hold.until);
    return hold;
  }

  #free(hold: Hold): void {
    hold.session.hold = undefined;
    this.#holds.delete(hold.session);
  }

  #offer(session: Session): void {
    if (session.hold || session.queued || !session.ready.first()) {
      this.#forgetIfIdle(session);
      return;
    }
    session.queued = true;
    this.#available.push(session);
    this.#match();
  }

  #match(): void {
    for (let waiter = this.#waiters.peek(); waiter; waiter = this.#waiters.peek()) {
      if (!waiter.waiting) {
        this.#waiters.shift();
        continue;
      }
      const session = this.#nextAvailable();
      if (!session) return;
      this.#waiters.shift();
      waiter.waiting = false;
      waiter.accepted(this.#take(session, waiter.consumer));
    }
  }

  #nextAvailable(): Session | undefined {
    for (let session = this.#available.shift(); session; session = this.#available.shift()) {
      session.queued = false;
      if (!session.hold && session.ready.first()) return session;
      this.#forgetIfIdle(session);
    }
    return undefined;
  }

  #serve(hold: Hold): void {
    const { session, consumer } = hold;
    for (let message = session.ready.first(); message; message = session.ready.first()) {
      if (message.expiresAt > 0 && message.expiresAt <= this.#core.alarms.now()) {
        this.#owner.expire([message]);
        continue;
      }
      if (this.#owner.disabled || consumer.capacity() <= 0) return;
      session.ready.take();
      message.place = 'held';
      if (consumer.receiveAndDelete) this.#owner.removeFor(message, consumer);
      else this.#owner.handOut(message, consumer, this.lock(message, consumer));
    }
  }

  #expireHolds(): void {
    const now = this.#core.alarms.now();
    for (const hold of this.#holds.values()) {
      if (hold.until > now) {
        this.#alarm.set(hold.until);
        return;
      }
      this.#free(hold);
      hold.consumer.lost(serviceErrors.sessionLockLost(hold.session.id));
      const lost = openLocks(hold);
      if (lost.length > 0) this.#owner.lockLost(lost);
      this.#offer(hold.session);
    }
  }

  #forgetIfIdle(session: Session): void {
    if (session.messages > 0 || session.hold || session.queued) return;
    if (this.#sessions.get(session.id) === session) this.#sessions.delete(session.id);
  }
}

function openLocks(hold: Hold): Lock[] {
  return [...hold.locks.values()].filter((lock) => lock.open);
}

/** Handing out under session locks. */
import type { Alarm } from '../clock.ts';
import { type ServiceError, serviceErrors } from '../errors.ts';
import type { Pump } from './committer.ts';
import type { Core } from './core.ts';
import {
  type Delivery,
  type DeliveryOwner,
  MOST_FORWARDING,
  MOST_IN_MEMORY,
  type Reading,
} from './delivery.ts';
import type { Page } from './line.ts';
import { type Consumer, type Hold, type Holder, Lock, type Session, type StoredMessage } from './records.ts';
import { SessionLine, type SessionWaiter } from './session-line.ts';
import { SessionTable } from './session-table.ts';

/** Session by session: a receiver holds a session and gets its messages in order. */
export class SessionDelivery implements Delivery, Pump {
  readonly #core: Core;
  readonly #owner: DeliveryOwner;
  readonly #sessions = new SessionTable(MOST_IN_MEMORY);
  readonly #line: SessionLine;
  /** In the order of expiry, because every lock lasts as long and renewals go to the end. */
  readonly #holds = new Map<Session, Hold>();
  readonly #alarm: Alarm;
  readonly #touched = new Set<Session>();
  readonly #forwarding = new Set<StoredMessage>();

  constructor(core: Core, owner: DeliveryOwner) {
    this.#core = core;
    this.#owner = owner;
    this.#alarm = core.alarms.create(() => this.#expireHolds());
    this.#line = new SessionLine({
      readOn: () => this.#readOn(),
      hasMessage: (session) => this.#firstOf(session, 1) !== undefined,
      take: (session, consumer) => this.#take(session, consumer),
      forget: (session) => this.#sessions.forgetIfIdle(session),
      goOn: () => this.#goOn(),
    });
  }

  get inMemory(): number {
    return this.#sessions.ready;
  }

  get lockCount(): number {
    return this.#holds.size;
  }

  get holds(): Iterable<Hold> {
    return this.#holds.values();
  }

  get(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  ensure(id: string): Session {
    return this.#sessions.ensure(id);
  }

  /** Puts the sessions in line: a receiver that waits gets the one with the oldest message. */
  restore(): void {
    this.#sessions.restore();
    this.#core.committer.touch(this);
  }

  keeps({ seq }: StoredMessage, sessionId = ''): boolean {
    if (this.#sessions.keeps(sessionId, seq)) return true;
    const session = this.#sessions.get(sessionId);
    if (session) this.#touch(session);
    else this.#core.committer.touch(this);
    return false;
  }

  entered(message: StoredMessage): void {
    if (message.session) message.session.messages += 1;
  }

  ready(message: StoredMessage): void {
    message.place = 'ready';
    const session = message.session;
    if (!session) return;
    this.#sessions.ready += 1;
    session.add(message);
    this.#touch(session);
  }

  first(sessionId: string | undefined): StoredMessage | undefined {
    const session = this.#sessions.ensure(sessionId ?? '');
    const first = this.#firstOf(session, 1);
    if (!first) this.#sessions.forgetIfIdle(session);
    return first;
  }

  take(message: StoredMessage): void {
    message.session?.take();
    this.#sessions.ready -= 1;
    message.place = 'held';
  }

  withdrawn(): void {
    this.#sessions.ready -= 1;
  }

  /** What waits at the front, session by session, as far as it is in memory. */
  *waiting(): Iterable<StoredMessage> {
    let found = false;
    do {
      for (const session of this.#sessions.all()) {
        const first = session.first();
        found ||= first !== undefined;
        if (first) yield first;
      }
    } while (!found && this.#readOn());
  }

  /** No more is read than somebody has asked for: what a receiver leaves stays in memory. */
  #firstOf(session: Session, most: number): StoredMessage | undefined {
    return session.first((after) => this.#read(after, { session, most }));
  }

  #read(after: number, what: Reading): Page<StoredMessage> | undefined {
    const page = this.#owner.read(after, what);
    if (page) this.#sessions.ready += page.messages.length;
    else if (what.session) this.#touch(what.session);
    else this.#core.committer.touch(this);
    return page;
  }

  /** Brings sessions from disk into the line; false if there are no more. */
  #readOn(): boolean {
    const found = this.#sessions.readOn((after, skips) => this.#read(after, { skips }));
    for (const session of found ?? []) if (!session.hold) this.#line.add(session);
    return found !== undefined;
  }

  left(message: StoredMessage): void {
    if (this.#forwarding.delete(message)) this.#core.committer.touch(this);
    if (!message.session) return;
    message.session.messages -= 1;
    this.#sessions.forgetIfIdle(message.session);
  }

  acceptNamed(id: string, consumer: Consumer): Hold | ServiceError {
    const session = this.#sessions.ensure(id);
    return session.hold ? serviceErrors.sessionCannotBeLocked(id) : this.#take(session, consumer);
  }

  acceptNext(waiter: SessionWaiter): void {
    this.#line.wait(waiter);
  }

  stopWaiting(waiter: SessionWaiter): void {
    this.#line.leave(waiter);
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
    if (this.#owner.forwards) return this.#forward();
    for (const session of this.#touched) {
      this.#touched.delete(session);
      if (session.hold) this.#serve(session.hold);
      else this.#offer(session);
    }
    this.#line.match();
  }

  /** Session by session, each in its order; nobody receives from a queue that forwards. */
  #forward(): void {
    this.#touched.clear();
    for (let moved = true; moved; ) {
      moved = false;
      for (const { session } of this.waiting()) {
        moved = true;
        if (session && !this.#forwardAll(session)) return;
      }
    }
  }

  /** False = enough is on its way. */
  #forwardAll(session: Session): boolean {
    const next = () => this.#firstOf(session, MOST_FORWARDING);
    for (let message = next(); message; message = next()) {
      if (this.#forwarding.size >= MOST_FORWARDING) return false;
      if (message.expiresAt > 0 && message.expiresAt <= this.#core.alarms.now()) {
        this.#owner.expire([message]);
        continue;
      }
      this.take(message);
      this.#forwarding.add(message);
      this.#owner.forward(message);
    }
    return true;
  }

  lock(message: StoredMessage, holder: Holder | undefined): Lock {
    const hold = message.session?.hold;
    const lock = new Lock(message, hold?.until ?? 0, holder);
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
    if (this.#alarm.at === undefined && !this.#core.locksStand) this.#alarm.set(hold.until);
    return hold;
  }

  #free(hold: Hold): void {
    hold.session.hold = undefined;
    this.#holds.delete(hold.session);
  }

  #offer(session: Session): void {
    const known = this.#sessions.get(session.id) === session;
    if (!known || session.hold || session.queued || !session.waiting) {
      this.#sessions.forgetIfIdle(session);
      return;
    }
    this.#line.add(session);
    this.#line.match();
  }

  #goOn(): void {
    const goOn = () => this.#core.committer.touch(this);
    this.#core.commit({ applied: goOn, refused: goOn });
  }

  #serve(hold: Hold): void {
    const { session, consumer } = hold;
    for (;;) {
      const room = this.#owner.disabled ? 0 : consumer.capacity();
      const message = room > 0 ? this.#firstOf(session, room) : session.first();
      if (!message) return;
      if (message.expiresAt > 0 && message.expiresAt <= this.#core.alarms.now()) {
        this.#owner.expire([message]);
        continue;
      }
      if (room <= 0) return;
      this.take(message);
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
      this.lose(hold);
    }
  }

  /** Its time is over. */
  lose(hold: Hold): void {
    this.#free(hold);
    hold.consumer.lost(serviceErrors.sessionLockLost(hold.session.id));
    const lost = openLocks(hold);
    if (lost.length > 0) this.#owner.lockLost(lost);
    this.#offer(hold.session);
  }
}

function openLocks(hold: Hold): Lock[] {
  return [...hold.locks.values()].filter((lock) => lock.open);
}

// What receivers receive from: a queue's messages, a subscription's, or a dead letter queue's.
import type { PropertyChanges } from '../codec/rewrite.ts';
import { serviceErrors } from '../errors.ts';
import type { FullMessage } from '../store/store.ts';
import { type Core, Sequence } from './core.ts';
import { Deferred } from './deferred.ts';
import type { DeliveryOwner, Reading } from './delivery.ts';
import { type FindTarget, forwardOn, moveTo } from './departures.ts';
import { ExpiryWatch } from './expiry-watch.ts';
import type { Page } from './line.ts';
import { type Ack, type Outcome, reasons } from './outcome.ts';
import { PlainDelivery } from './plain-delivery.ts';
import { type Consumer, DEFERRED, type Lock, type MessageState, StoredMessage } from './records.ts';
import { SessionDelivery } from './session-delivery.ts';
import type { QueueSettings } from './settings.ts';
import { countDelivery, settle } from './settlement.ts';

/** Read at once from a backlog. */
const PAGE_MESSAGES = 100;
const PAGE_BYTES = 1024 * 1024;

/** What receivers receive from: a queue's messages, a subscription's, or a dead letter queue's. */
export class Queue implements DeliveryOwner {
  readonly id: number;
  readonly path: string;
  readonly core: Core;
  readonly sequence: Sequence;
  /** Undefined for a dead letter queue itself. */
  readonly deadLetters: Queue | undefined;
  /** The queue for messages that cannot be forwarded. */
  readonly transferDeadLetters: Queue | undefined;
  readonly #findTarget: FindTarget;
  readonly plain: PlainDelivery | undefined;
  readonly sessions: SessionDelivery | undefined;
  readonly deferred: Deferred;
  settings: QueueSettings;
  active = 0;
  /** Size of its messages and of the states of its sessions. */
  bytes = 0;
  stateBytes = 0;
  /** It has been removed; whatever still rings or arrives for it finds nothing. */
  #retired = false;
  readonly #expiry: ExpiryWatch;

  constructor(
    core: Core,
    entity: { id: number; path: string; ceiling: number },
    settings: QueueSettings,
    findTarget: FindTarget,
    others: { deadLetters: Queue | undefined; transferDeadLetters: Queue | undefined },
  ) {
    this.core = core;
    this.id = entity.id;
    this.path = entity.path;
    this.settings = settings;
    this.deadLetters = others.deadLetters;
    this.transferDeadLetters = others.transferDeadLetters;
    this.#findTarget = findTarget;
    this.sequence = new Sequence(core, entity.id, entity.ceiling);
    if (settings.requiresSession) this.sessions = new SessionDelivery(core, this);
    else this.plain = new PlainDelivery(core, this);
    this.deferred = new Deferred(core, entity.id, this.sessions);
    this.#expiry = new ExpiryWatch(
      core,
      entity.id,
      (row) => this.#load(row),
      (messages) => this.expire(messages),
    );
  }

  get lockMs(): number {
    return this.settings.lockMs;
  }

  get delivery(): PlainDelivery | SessionDelivery {
    return (this.plain ?? this.sessions) as PlainDelivery | SessionDelivery;
  }

  get disabled(): boolean {
    return this.settings.disabled;
  }

  get forwards(): boolean {
    return this.settings.forwardTo !== undefined;
  }

  /** What waits may leave by another way now. */
  configure(settings: QueueSettings): void {
    this.settings = settings;
    this.core.committer.touch(this.delivery);
  }

  get isDeadLetterQueue(): boolean {
    return this.deadLetters === undefined;
  }

  retire(): void {
    this.#retired = true;
  }

  /** Brings back what the queue held when the broker ended. Locks are gone; delivery counts stay. */
  restore(): void {
    const { store } = this.core;
    const { active, deferred, bytes, stateBytes } = store.tally(this.id);
    this.active = active;
    this.deferred.size = deferred;
    this.bytes = bytes;
    this.stateBytes = stateBytes;
    this.#expiry.restore();
    if (active > 0) this.delivery.restore();
  }

  /** A message that is on disk enters the queue; it stays on disk only when enough others are before it. */
  admit(message: StoredMessage, bytes: Buffer, sessionId?: string): void {
    this.bytes += message.size;
    if (!this.#expiry.isOver(message) && !this.delivery.keeps(message, sessionId)) {
      this.active += 1;
      this.#expiry.expect(message.expiresAt);
      return;
    }
    if (sessionId !== undefined) message.session = this.sessions?.ensure(sessionId);
    this.delivery.entered(message);
    this.core.bodies.remember(message, bytes);
    this.place(message);
  }

  /** Active messages behind a number, from disk; undefined during a commit, when memory lags behind. */
  read(after: number, { session, most = PAGE_MESSAGES, skips }: Reading): Page<StoredMessage> | undefined {
    if (this.core.committer.flushing) return undefined;
    const count = Math.min(most, PAGE_MESSAGES);
    const messages: StoredMessage[] = [];
    let upTo = after;
    let bytes = 0;
    let read = 0;
    for (const row of this.core.store.activeAfter(this.id, after, session?.id, count)) {
      upTo = row.seq;
      read += 1;
      // What expires just now is in memory already.
      if (this.#expiry.has(row.seq) || (row.session !== null && skips?.(row.session, row.seq))) continue;
      messages.push(this.#loadReady(row));
      bytes += row.size;
      if (bytes > PAGE_BYTES) break;
    }
    return { messages, upTo, more: read === count || bytes > PAGE_BYTES };
  }

  #loadReady(row: FullMessage): StoredMessage {
    const message = this.#load(row);
    message.place = 'ready';
    this.core.bodies.remember(message, row.bytes);
    this.#expiry.add(message);
    return message;
  }

  #load(row: FullMessage): StoredMessage {
    const session = row.session === null ? undefined : this.sessions?.ensure(row.session);
    const message = StoredMessage.of(row, session);
    this.delivery.entered(message);
    return message;
  }

  settle(lock: Lock, outcome: Outcome, ack: Ack): void {
    if (this.#retired) return ack(serviceErrors.entityNotFound(`sb://localhost/${this.path}`));
    settle(this, lock, outcome, ack);
  }

  lockLost(locks: Lock[]): void {
    if (this.#retired) return;
    this.core.counters.add('locks.lost', locks.length);
    for (const lock of locks) {
      lock.open = false;
      this.delivery.release(lock);
      this.#untilThereIsRoom((ack) => countDelivery(this, lock.message, lock.message.state, undefined, ack));
    }
  }

  /** What nobody but the broker itself asks for. */
  #untilThereIsRoom(work: (ack: Ack) => void): void {
    if (this.#retired) return;
    work((error) => {
      if (error) this.core.whenThereIsRoom(() => this.#untilThereIsRoom(work));
    });
  }

  returned(locks: Lock[]): void {
    if (this.#retired) return;
    for (const lock of locks) {
      lock.open = false;
      this.place(lock.message);
    }
  }

  handOut(message: StoredMessage, consumer: Consumer, lock: Lock): void {
    this.core.counters.add(`out.${this.path}`);
    consumer.deliver(message, this.core.bodies.of(message), lock);
  }

  /** Receive and delete: gone from the disk before it is handed out, so that it is never seen twice. */
  removeFor(message: StoredMessage, consumer: Consumer): void {
    const bytes = this.core.bodies.of(message);
    consumer.reserve(bytes.length);
    this.core.counters.add(`out.${this.path}`);
    this.remove(message, (error) => {
      if (!error) return consumer.deliver(message, bytes, undefined);
      consumer.unreserve(bytes.length);
      this.place(message);
    });
  }

  /** Deferred messages whose time is over leave when somebody asks for them. */
  expireDeferred(messages: StoredMessage[]): boolean {
    const over = messages.filter((message) => this.#expiry.isOver(message));
    for (const message of over) this.deferred.take(message);
    this.expire(over);
    return over.length > 0;
  }

  expire(messages: StoredMessage[]): void {
    for (const message of messages) {
      if (message.place === 'ready') this.delivery.withdrawn();
      message.place = 'held';
      if (this.#retired) continue;
      this.core.counters.add('expired');
      this.#untilThereIsRoom((ack) => this.#leaveExpired(message, ack));
    }
  }

  #leaveExpired(message: StoredMessage, ack: Ack): void {
    if (this.settings.deadLetterOnExpiry && this.deadLetters)
      this.moveToDeadLetters(message, reasons.expired(), ack);
    else this.remove(message, ack);
  }

  remove(message: StoredMessage, ack: Ack): void {
    this.core.commit({
      frees: true,
      write: (store) => store.deleteMessage(message),
      applied: () => {
        this.left(message);
        ack();
      },
      refused: ack,
    });
  }

  forward(message: StoredMessage): void {
    this.#untilThereIsRoom((ack) =>
      forwardOn(this, message, this.#findTarget(this.settings.forwardTo ?? ''), ack),
    );
  }

  moveToDeadLetters(message: StoredMessage, changes: PropertyChanges, ack: Ack): void {
    moveTo(this.deadLetters, this, message, changes, ack);
  }

  /** Called when the message is gone from the disk. */
  left(message: StoredMessage): void {
    this.core.bodies.forget(message);
    this.#leaveState(message);
    message.place = 'gone';
    this.bytes -= message.size;
    this.delivery.left(message);
    this.#expiry.left(message);
  }

  /** Puts a message to where its state belongs. */
  place(message: StoredMessage): void {
    this.enter(message, message.state);
  }

  /** Into a state, which may be the one it has. */
  enter(message: StoredMessage, state: MessageState): void {
    this.#leaveState(message);
    message.state = state;
    this.#enterState(message);
  }

  /** Called when the message was stored again with other bytes. */
  replaced(message: StoredMessage, bytes: Buffer): void {
    this.bytes += bytes.length - message.size;
    message.shared = 0;
    message.size = bytes.length;
    this.core.bodies.remember(message, bytes);
  }

  #leaveState(message: StoredMessage): void {
    if (message.place === 'pending') return;
    if (message.state === DEFERRED) this.deferred.left(message);
    else this.active -= 1;
  }

  #enterState(message: StoredMessage): void {
    const first = message.place === 'pending';
    if (message.state === DEFERRED) {
      this.deferred.entered(message);
      this.core.bodies.forget(message);
      this.#expiry.left(message);
      this.delivery.left(message);
      return;
    }
    this.active += 1;
    if (this.#expiry.isOver(message)) return this.expire([message]);
    if (first) this.#expiry.add(message);
    this.delivery.ready(message);
  }
}

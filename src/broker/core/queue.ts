import { type PropertyChanges, withApplicationProperties } from '../codec/edit.ts';
import { type ServiceError, serviceErrors } from '../errors.ts';
import type { MessageRow, Store } from '../store/store.ts';
import type { Core } from './core.ts';
import type { DeliveryOwner } from './delivery.ts';
import { ExpiryWatch } from './expiry-watch.ts';
import { type FindTarget, MAX_HOPS } from './forwarding.ts';
import { type Ack, type Outcome, reasons } from './outcome.ts';
import { PlainDelivery } from './plain-delivery.ts';
import { ACTIVE, type Consumer, DEFERRED, type Lock, type MessageState, StoredMessage } from './records.ts';
import { Sequence } from './sequence.ts';
import { SessionDelivery } from './session-delivery.ts';
import type { QueueSettings } from './settings.ts';

/** What receivers receive from: a queue's messages, a subscription's, or a dead letter queue's. */
export class Queue implements DeliveryOwner {
  readonly id: number;
  readonly path: string;
  readonly core: Core;
  readonly sequence: Sequence;
  /** Undefined for a dead letter queue itself. */
  readonly deadLetters: Queue | undefined;
  /** For what cannot be forwarded. */
  readonly transferDeadLetters: Queue | undefined;
  readonly #findTarget: FindTarget;
  readonly plain: PlainDelivery | undefined;
  readonly sessions: SessionDelivery | undefined;
  readonly deferred = new Map<number, StoredMessage>();
  settings: QueueSettings;
  active = 0;
  bytes = 0;
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
    this.#expiry = new ExpiryWatch(core, (messages) => this.expire(messages));
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

  /** A message that is on disk enters the queue. */
  admit(message: StoredMessage): void {
    this.bytes += message.size;
    this.delivery.adopt(message);
    this.#place(message);
  }

  settle(lock: Lock, outcome: Outcome, ack: Ack): void {
    if (this.#retired) return ack(serviceErrors.entityNotFound(`sb://localhost/${this.path}`));
    const refusal = this.delivery.refusal(lock);
    if (refusal) return ack(refusal);
    if (outcome.kind === 'dead-letter' && this.isDeadLetterQueue) {
      return ack(serviceErrors.notAllowed('A message in a dead letter queue cannot be dead-lettered again.'));
    }
    lock.open = false;
    const end = (error?: ServiceError) => {
      if (error) {
        this.#reopen(lock);
      } else {
        this.core.counters.add(`settled.${outcome.kind}`);
        this.delivery.release(lock);
      }
      ack(error);
    };
    const { message } = lock;
    if (outcome.kind === 'complete') this.remove(message, end);
    else if (outcome.kind === 'dead-letter') this.moveToDeadLetters(message, outcome.changes, end);
    else if (outcome.kind === 'defer') this.#countDelivery(message, DEFERRED, outcome.changes, end);
    else if (outcome.kind === 'abandon') this.#countDelivery(message, message.state, outcome.changes, end);
    else {
      end();
      this.#place(message);
    }
  }

  /** A settlement that could not be stored leaves the lock as it was, unless its time is over by now. */
  #reopen(lock: Lock): void {
    lock.open = true;
    if (this.delivery.refusal(lock)) this.#place(lock.message);
    else this.plain?.watch(lock);
  }

  lockLost(locks: Lock[]): void {
    if (this.#retired) return;
    this.core.counters.add('locks.lost', locks.length);
    for (const lock of locks) {
      lock.open = false;
      this.delivery.release(lock);
      this.#countDelivery(lock.message, lock.message.state, undefined, () => {});
    }
  }

  returned(locks: Lock[]): void {
    if (this.#retired) return;
    for (const lock of locks) {
      lock.open = false;
      this.#place(lock.message);
    }
  }

  handOut(message: StoredMessage, consumer: Consumer, lock: Lock): void {
    this.core.counters.add(`out.${this.path}`);
    consumer.deliver(message, this.core.bodies.of(message), lock);
  }

  /** Receive and delete: gone from the disk before it is handed out, so that it is never seen twice. */
  removeFor(message: StoredMessage, consumer: Consumer): void {
    const bytes = this.core.bodies.of(message);
    consumer.reserve();
    this.core.counters.add(`out.${this.path}`);
    this.remove(message, (error) => {
      if (error) this.#place(message);
      else consumer.deliver(message, bytes, undefined);
    });
  }

  expire(messages: StoredMessage[]): void {
    for (const message of messages) {
      message.place = 'held';
      if (this.#retired) continue;
      this.core.counters.add('expired');
      if (this.settings.deadLetterOnExpiry && this.deadLetters) {
        this.moveToDeadLetters(message, reasons.expired(), () => {});
      } else {
        this.remove(message, () => {});
      }
    }
  }

  remove(message: StoredMessage, ack: Ack): void {
    this.core.commit({
      frees: true,
      write: (store) => this.#erase(store, message),
      applied: () => {
        this.#left(message);
        ack();
      },
      refused: ack,
    });
  }

  /** Waiting messages that came no later than `before`, oldest first. */
  deleteWaiting(
    count: number,
    before: number,
    sessionId: string | undefined,
    done: (error: ServiceError | undefined, deleted: number) => void,
  ): void {
    const ready = this.plain?.waiting ?? this.sessions?.get(sessionId ?? '')?.ready;
    const messages: StoredMessage[] = [];
    for (let next = ready?.first(); next && messages.length < count; next = ready?.first()) {
      if (next.enqueuedAt > before) break;
      ready?.take();
      next.place = 'held';
      messages.push(next);
    }
    this.core.commit({
      frees: true,
      write: (store) => {
        for (const message of messages) this.#erase(store, message);
      },
      applied: () => {
        for (const message of messages) this.#left(message);
        done(undefined, messages.length);
      },
      refused: (error) => {
        for (const message of messages) this.#place(message);
        done(error, 0);
      },
    });
  }

  /** On to the next entity; what cannot go there ends in the transfer dead letters. */
  forward(message: StoredMessage): void {
    if (this.#retired) return;
    const { forwardTo = '' } = this.settings;
    if (message.hops >= MAX_HOPS)
      return this.#moveTo(this.transferDeadLetters, message, reasons.tooManyHops());
    const failed = ({ condition, message: why }: ServiceError) =>
      this.#moveTo(this.transferDeadLetters, message, reasons.transferFailed(condition, why));
    const target = this.#findTarget(forwardTo);
    if (!target) return failed(serviceErrors.entityNotFound(`sb://localhost/${forwardTo}`));
    target.forward({
      message: this.core.envelopeOf(message),
      carried: { origin: message.origin || message.seq, source: message.source, hops: message.hops + 1 },
      leave: {
        write: (store) => this.#erase(store, message),
        applied: () => this.#left(message),
      },
      failed,
    });
  }

  moveToDeadLetters(message: StoredMessage, changes: PropertyChanges, ack: Ack): void {
    this.#moveTo(this.deadLetters, message, changes, ack);
  }

  #moveTo(
    target: Queue | undefined,
    message: StoredMessage,
    changes: PropertyChanges,
    ack: Ack = () => {},
  ): void {
    if (!target) return ack(serviceErrors.internal('there is no dead letter queue here'));
    const bytes = withApplicationProperties(this.core.bodies.of(message), changes);
    const moved = new StoredMessage({
      seq: message.seq,
      enqueuedAt: message.enqueuedAt,
      dueAt: 0,
      deliveryCount: message.deliveryCount,
      origin: message.origin,
      body: this.core.bodies.next(),
      shared: false,
      size: bytes.length,
      state: ACTIVE,
      expiresAt: 0,
      session: undefined,
      source: this.path,
    });
    this.core.counters.add('deadLettered');
    this.core.commit({
      frees: true,
      write: (store) => {
        this.#erase(store, message);
        store.insertBody(moved.body, false, bytes);
        store.insertMessage(target.row(moved));
      },
      applied: () => {
        this.core.bodies.remember(moved.body, bytes);
        this.#left(message);
        target.admit(moved);
        ack();
      },
      refused: ack,
    });
  }

  row(message: StoredMessage): MessageRow {
    return {
      entity: this.id,
      seq: message.seq,
      body: message.body,
      shared: message.shared,
      size: message.size,
      enqueuedAt: message.enqueuedAt,
      expiresAt: message.expiresAt,
      dueAt: message.dueAt,
      deliveryCount: message.deliveryCount,
      state: message.state,
      session: message.session?.id ?? null,
      origin: message.origin,
      source: message.source ?? null,
    };
  }

  /** An unsuccessful delivery: the count rises, and past the limit the message is a dead letter. */
  #countDelivery(
    message: StoredMessage,
    state: MessageState,
    changes: PropertyChanges | undefined,
    ack: Ack,
  ): void {
    const deliveryCount = message.deliveryCount + 1;
    const given = changes && changes.size > 0 ? changes : undefined;
    if (state === message.state && deliveryCount >= this.settings.maxDeliveryCount) {
      message.deliveryCount = deliveryCount;
      this.moveToDeadLetters(
        message,
        new Map([...(given ?? []), ...reasons.maxDeliveryCount(deliveryCount)]),
        ack,
      );
      return;
    }
    const edited = given && withApplicationProperties(this.core.bodies.of(message), given);
    const body = edited ? this.core.bodies.next() : message.body;
    this.core.commit({
      frees: true,
      write: (store) => {
        if (!edited) return store.setDelivery(this.id, message.seq, deliveryCount, state);
        this.#erase(store, message);
        store.insertBody(body, false, edited);
        const row = this.row(message);
        store.insertMessage({ ...row, body, shared: false, size: edited.length, deliveryCount, state });
      },
      applied: () => {
        if (edited) this.#replaceBody(message, body, edited);
        message.deliveryCount = deliveryCount;
        this.#leaveState(message);
        message.state = state;
        ack();
        this.#enterState(message);
      },
      refused: ack,
    });
  }

  #replaceBody(message: StoredMessage, body: number, bytes: Buffer): void {
    this.#dropBody(message);
    this.bytes += bytes.length - message.size;
    message.body = body;
    message.shared = false;
    message.size = bytes.length;
    this.core.bodies.remember(body, bytes);
  }

  #erase(store: Store, message: StoredMessage): void {
    store.deleteMessage(this.id, message.seq);
    if (!message.shared) store.deleteBody(message.body);
  }

  #dropBody(message: StoredMessage): void {
    const { body, shared } = message;
    if (shared && !this.core.bodies.removeOwner(body)) return;
    this.core.bodies.forget(body);
    if (shared) this.core.write((store) => store.deleteBody(body));
  }

  #left(message: StoredMessage): void {
    this.#dropBody(message);
    this.#leaveState(message);
    message.place = 'gone';
    this.bytes -= message.size;
    this.delivery.left(message);
    this.#expiry.left(message);
  }

  #place(message: StoredMessage): void {
    this.#leaveState(message);
    this.#enterState(message);
  }

  #leaveState(message: StoredMessage): void {
    if (message.place === 'pending') return;
    if (message.state === DEFERRED) this.deferred.delete(message.seq);
    else this.active -= 1;
  }

  #enterState(message: StoredMessage): void {
    const first = message.place === 'pending';
    if (message.state === DEFERRED) {
      message.place = 'parked';
      this.deferred.set(message.seq, message);
      return;
    }
    this.active += 1;
    if (this.#expiry.isOver(message)) return this.expire([message]);
    if (first) this.#expiry.add(message);
    this.delivery.ready(message);
  }
}

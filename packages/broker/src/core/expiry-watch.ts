/** Expiry of a queue: the alarm for the message whose time ends next, wherever it is. */
import type { Alarm } from '../clock.ts';
import type { FullMessage } from '../store/store.ts';
import type { Core } from './core.ts';
import type { StoredMessage } from './records.ts';

/** How many expire in one commit; the rest follows at once, in further commits. */
const AT_ONCE = 500;

/**
 * Tells when messages expire, which the store knows. Only ready ones are told of: one under a lock is left alone until the
 * lock ends (its return looks at its time), and a deferred one stays.
 */
export class ExpiryWatch {
  readonly #core: Core;
  readonly #entity: number;
  readonly #load: (row: FullMessage) => StoredMessage;
  readonly #expired: (messages: StoredMessage[]) => void;
  /** Those in memory, by number. */
  readonly #inMemory = new Map<number, StoredMessage>();
  readonly #alarm: Alarm;
  /** Messages that expire before this instant have expired, or somebody has them in hand. */
  #handledUpTo = 0;

  constructor(
    core: Core,
    entity: number,
    load: (row: FullMessage) => StoredMessage,
    expired: (messages: StoredMessage[]) => void,
  ) {
    this.#core = core;
    this.#entity = entity;
    this.#load = load;
    this.#expired = expired;
    this.#alarm = core.alarms.create(() => this.#ring());
  }

  restore(): void {
    const first = this.#core.store.nextExpiry(this.#entity, 0);
    if (first !== undefined) this.expect(first);
  }

  isOver(message: StoredMessage): boolean {
    return message.expiresAt > 0 && message.expiresAt <= this.#core.alarms.now();
  }

  has(seq: number): boolean {
    return this.#inMemory.has(seq);
  }

  /** The message is in memory from now on. */
  add(message: StoredMessage): void {
    if (message.expiresAt === 0) return;
    this.#inMemory.set(message.seq, message);
    this.expect(message.expiresAt);
  }

  /** Something on disk expires then. */
  expect(at: number): void {
    if (at === 0) return;
    // The clock has been set back.
    if (at <= this.#handledUpTo) this.#handledUpTo = at - 1;
    if (this.#alarm.at === undefined || at < this.#alarm.at) this.#alarm.set(at);
  }

  /** The message is gone, or does not expire any more. */
  left(message: StoredMessage): void {
    if (message.expiresAt > 0) this.#inMemory.delete(message.seq);
  }

  /** After the commit of what has been told, which bounds what is in memory. */
  #goOn(): void {
    const goOn = () => this.#alarm.set(this.#core.alarms.now());
    this.#core.commit({ applied: goOn, refused: goOn });
  }

  #ring(): void {
    const { store, alarms } = this.#core;
    const now = alarms.now();
    const over: StoredMessage[] = [];
    let handledUpTo = now;
    for (const row of store.expired(this.#entity, this.#handledUpTo, now)) {
      if (over.length === AT_ONCE) {
        handledUpTo = row.expiresAt - 1;
        break;
      }
      const message = this.#inMemory.get(row.seq) ?? this.#load(row);
      if (message.place === 'ready' || message.place === 'pending') over.push(message);
    }
    this.#handledUpTo = handledUpTo;
    for (const message of over) this.#inMemory.set(message.seq, message);
    if (over.length > 0) this.#expired(over);
    if (handledUpTo < now) this.#goOn();
    else this.#alarm.set(store.nextExpiry(this.#entity, now));
  }
}

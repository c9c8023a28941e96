import type { Alarm } from '../clock.ts';
import type { Core } from './core.ts';
import { Heap } from './heap.ts';
import type { StoredMessage } from './records.ts';

/** Stale entries are swept when they outnumber the living. */
const SWEEP_FROM = 1024;

/**
 * Tells when messages run out of time. Only ready ones are told of: one under a lock is let be until the lock ends
 * (whoever gives it back looks at its time), a deferred one for good.
 */
export class ExpiryWatch {
  readonly #core: Core;
  readonly #expired: (messages: StoredMessage[]) => void;
  readonly #byTime = new Heap<StoredMessage>((message) => message.expiresAt);
  readonly #alarm: Alarm;
  #stale = 0;

  constructor(core: Core, expired: (messages: StoredMessage[]) => void) {
    this.#core = core;
    this.#expired = expired;
    this.#alarm = core.alarms.create(() => this.#ring());
  }

  isOver(message: StoredMessage): boolean {
    return message.expiresAt > 0 && message.expiresAt <= this.#core.alarms.now();
  }

  add(message: StoredMessage): void {
    if (message.expiresAt === 0) return;
    this.#byTime.push(message);
    if (this.#alarm.at === undefined || message.expiresAt < this.#alarm.at)
      this.#alarm.set(message.expiresAt);
  }

  /** The message is gone; its entry is dropped sooner or later. */
  left(message: StoredMessage): void {
    if (message.expiresAt === 0) return;
    this.#stale += 1;
    if (this.#stale < SWEEP_FROM || this.#stale * 2 < this.#byTime.size) return;
    this.#byTime.keep(({ place }) => place !== 'gone');
    this.#stale = 0;
  }

  #ring(): void {
    const now = this.#core.alarms.now();
    for (let next = this.#byTime.peek(); next; next = this.#byTime.peek()) {
      if (next.place !== 'gone' && next.expiresAt > now) {
        this.#alarm.set(next.expiresAt);
        return;
      }
      this.#byTime.pop();
      if (next.place === 'ready') this.#expired([next]);
    }
  }
}

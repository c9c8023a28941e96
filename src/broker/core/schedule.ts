import type { Alarm } from '../clock.ts';
import type { Core } from './core.ts';
import { Heap } from './heap.ts';
import type { StoredMessage } from './records.ts';

/** Messages that wait for their time, by sequence number and by due time. */
export class Schedule {
  readonly #messages = new Map<number, StoredMessage>();
  readonly #byTime = new Heap<StoredMessage>((message) => message.dueAt);
  readonly #alarm: Alarm;
  readonly #core: Core;
  readonly #due: (messages: StoredMessage[]) => void;

  constructor(core: Core, due: (messages: StoredMessage[]) => void) {
    this.#core = core;
    this.#due = due;
    this.#alarm = core.alarms.create(() => this.#ring());
  }

  get size(): number {
    return this.#messages.size;
  }

  all(): Iterable<StoredMessage> {
    return this.#messages.values();
  }

  add(message: StoredMessage): void {
    message.place = 'parked';
    this.#messages.set(message.seq, message);
    this.#byTime.push(message);
    if (this.#alarm.at === undefined || message.dueAt < this.#alarm.at) this.#alarm.set(message.dueAt);
  }

  get(seq: number): StoredMessage | undefined {
    return this.#messages.get(seq);
  }

  /** It is being cancelled or activated; `add` takes that back. */
  take(message: StoredMessage): void {
    message.place = 'gone';
    this.#messages.delete(message.seq);
  }

  #ring(): void {
    const now = this.#core.alarms.now();
    const due: StoredMessage[] = [];
    for (let next = this.#byTime.peek(); next; next = this.#byTime.peek()) {
      if (next.place === 'parked' && next.dueAt > now) {
        this.#alarm.set(next.dueAt);
        break;
      }
      this.#byTime.pop();
      if (next.place !== 'parked') continue;
      this.take(next);
      due.push(next);
    }
    if (due.length > 0) this.#due(due);
  }
}

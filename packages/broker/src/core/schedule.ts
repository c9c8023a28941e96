/** Scheduled messages of an entity, which wait on disk, and the alarm for the next of them. */
import type { Alarm } from '../clock.ts';
import type { FullMessage, Tally } from '../store/store.ts';
import type { Core } from './core.ts';
import { SCHEDULED } from './records.ts';

/** How many are activated in one commit; the rest follows at once, in further commits. */
const AT_ONCE = 500;
const AT_ONCE_BYTES = 8 * 1024 * 1024;

/** Messages that wait for their time: on disk, where they are found by number and by due time. */
export class Schedule {
  readonly #core: Core;
  readonly #entity: number;
  readonly #due: (messages: FullMessage[]) => void;
  readonly #alarm: Alarm;
  /** Those that are being cancelled or activated. */
  readonly #inHand = new Set<number>();
  size = 0;
  bytes = 0;

  constructor(core: Core, entity: number, due: (messages: FullMessage[]) => void) {
    this.#core = core;
    this.#entity = entity;
    this.#due = due;
    this.#alarm = core.alarms.create(() => this.#ring());
  }

  restore({ scheduled, scheduledBytes }: Tally): void {
    this.size = scheduled;
    this.bytes = scheduledBytes;
    this.#alarm.set(this.#core.store.nextDue(this.#entity, 0));
  }

  /** Called when the message is on disk. */
  added({ dueAt, size }: Pick<FullMessage, 'dueAt' | 'size'>): void {
    this.size += 1;
    this.bytes += size;
    this.#expect(dueAt);
  }

  /** Undefined if no message has this number, or it is leaving. */
  find(seq: number): FullMessage | undefined {
    if (this.#inHand.has(seq)) return undefined;
    const message = this.#core.store.message(this.#entity, seq);
    return message?.state === SCHEDULED ? message : undefined;
  }

  /** Marks a message that is being cancelled or activated; `giveBack` takes the mark back. */
  take({ seq }: FullMessage): void {
    this.#inHand.add(seq);
  }

  giveBack({ seq, dueAt }: FullMessage): void {
    this.#inHand.delete(seq);
    this.#expect(dueAt);
  }

  /** The disk is full: it stays in hand until there may be room. */
  giveBackUnplaced(message: FullMessage): void {
    this.#core.whenThereIsRoom(() => this.giveBack(message));
  }

  left({ seq, size }: FullMessage): void {
    this.#inHand.delete(seq);
    this.size -= 1;
    this.bytes -= size;
  }

  #expect(at: number): void {
    if (this.#alarm.at === undefined || at < this.#alarm.at) this.#alarm.set(at);
  }

  /** After the commit of what is due, which bounds what is in memory. */
  #goOn(): void {
    const goOn = () => this.#alarm.set(this.#core.alarms.now());
    this.#core.commit({ applied: goOn, refused: goOn });
  }

  #ring(): void {
    const { store, alarms } = this.#core;
    const now = alarms.now();
    const due: FullMessage[] = [];
    let bytes = 0;
    let more = false;
    for (const message of store.due(this.#entity, now)) {
      if (this.#inHand.has(message.seq)) continue;
      more = due.length === AT_ONCE || bytes > AT_ONCE_BYTES;
      if (more) break;
      bytes += message.size;
      due.push(message);
    }
    for (const message of due) this.take(message);
    if (due.length > 0) this.#due(due);
    if (more) this.#goOn();
    else this.#alarm.set(store.nextDue(this.#entity, now));
  }
}

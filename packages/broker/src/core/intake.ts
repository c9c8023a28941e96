// The way in: checks, duplicate detection, scheduling, and placing what is due.
import { Envelope } from '../codec/envelope.ts';
import { type ServiceError, serviceErrors } from '../errors.ts';
import type { FullMessage } from '../store/store.ts';
import type { Core } from './core.ts';
import type { Forward, ForwardTarget } from './departures.ts';
import { DuplicateWindow } from './duplicates.ts';
import { checkMessage, checkPartition, idWithinPartition } from './limits.ts';
import type { Ack } from './outcome.ts';
import { type Destination, type Entry, placedEntry, scheduledEntry } from './placing.ts';
import { Schedule } from './schedule.ts';
import type { IntakeSettings } from './settings.ts';

/** The way in: checks, duplicate detection, scheduling, and placing what is due. */
export class Intake implements ForwardTarget {
  readonly #core: Core;
  readonly #to: Destination;
  readonly schedule: Schedule;
  settings: IntakeSettings;
  window: DuplicateWindow | undefined;
  #retired = false;

  constructor(core: Core, to: Destination, settings: IntakeSettings) {
    this.#core = core;
    this.#to = to;
    this.settings = settings;
    this.schedule = new Schedule(core, to.id, (messages) => this.#activate(messages));
    this.configure(settings);
  }

  get maxMessageBytes(): number {
    const { messageBytes, defaultMessageBytes } = this.#core.limits;
    return Math.min(this.settings.maxMessageBytes ?? defaultMessageBytes, messageBytes);
  }

  /** The entity has been removed. */
  retire(): void {
    this.#retired = true;
  }

  configure(settings: IntakeSettings): void {
    this.settings = settings;
    const { duplicateWindowMs } = settings;
    if (duplicateWindowMs === 0) this.window = undefined;
    else if (this.window) this.window.windowMs = duplicateWindowMs;
    else this.window = new DuplicateWindow(this.#core, this.#to.id, duplicateWindowMs);
  }

  /** A number to cancel a scheduled message by; its sender is told, whatever becomes of the message. */
  reserve(): number {
    return this.#to.sequence.take();
  }

  /** All of them or none; acknowledged when all are on disk. */
  send(messages: Envelope[], ack: Ack, reserved: readonly number[] = []): void {
    if (this.#retired) return ack(serviceErrors.entityNotFound(`sb://localhost/${this.#to.path}`));
    try {
      this.#check(messages);
    } catch (error) {
      return ack(error as ServiceError);
    }
    const busy = this.#core.throttle?.take(messages.length);
    if (busy) return ack(busy);
    const now = this.#core.alarms.now();
    const ids: string[] = [];
    const repeated: string[] = [];
    const entries: Entry[] = [];
    for (const [index, message] of messages.entries()) {
      if (!this.#notSeen(message, ids, repeated, entries)) continue;
      const seq = reserved[index] ?? 0;
      entries.push(
        message.scheduledAt > now
          ? scheduledEntry(this.#core, this.#to, this.schedule, message, seq || this.#to.sequence.take())
          : placedEntry(this.#core, this.#to, message, { origin: 0, own: seq }),
      );
    }
    this.#core.commit({
      write: (store) => {
        for (const entry of entries) entry.write(store);
      },
      applied: () => {
        this.#core.counters.add(`in.${this.#to.path}`, messages.length);
        for (const entry of entries) entry.applied();
        // The first sight was in the same commit and found no room: then this was no duplicate.
        const orphaned = repeated.some((id) => !this.window?.has(id));
        ack(
          orphaned ? serviceErrors.quotaExceeded('The first message with this id was refused.') : undefined,
        );
      },
      refused: (error) => {
        for (const id of ids) this.window?.remove(id);
        ack(error);
      },
    });
  }

  /** Takes a forwarded message as if it were sent: size, duplicates and sessions are checked again. */
  forward({ message, carried, leave, failed }: Forward): void {
    try {
      if (this.#retired) throw serviceErrors.entityNotFound(`sb://localhost/${this.#to.path}`);
      this.#check([message]);
    } catch (error) {
      return failed(error as ServiceError);
    }
    const ids: string[] = [];
    const entries: Entry[] = [leave];
    if (this.#notSeen(message, ids, [], entries)) {
      // Only an action can have set a time that is still to come.
      entries.push(
        message.scheduledAt > this.#core.alarms.now()
          ? scheduledEntry(this.#core, this.#to, this.schedule, message, this.#to.sequence.take(), carried)
          : placedEntry(this.#core, this.#to, message, { origin: carried.origin }, carried),
      );
    }
    this.#core.commit({
      write: (store) => {
        for (const entry of entries) entry.write(store);
      },
      applied: () => {
        this.#core.counters.add('forwarded');
        for (const entry of entries) entry.applied();
      },
      refused: (error) => {
        for (const id of ids) this.window?.remove(id);
        failed(error);
      },
    });
  }

  /** All of them, or an error that names those that are not there (github.com/Azure/azure-service-bus/issues/239). */
  cancel(seqs: number[], ack: Ack): void {
    const missing = seqs.filter((seq) => !this.schedule.find(seq));
    if (missing.length > 0) return ack(serviceErrors.messagesNotFound(missing));
    const cancelled: FullMessage[] = [];
    for (const seq of new Set(seqs)) {
      const message = this.schedule.find(seq);
      if (!message) continue;
      this.schedule.take(message);
      cancelled.push(message);
    }
    this.#core.commit({
      frees: true,
      write: (store) => {
        for (const message of cancelled) store.deleteMessage(message);
      },
      applied: () => {
        for (const message of cancelled) this.schedule.left(message);
        ack();
      },
      refused: (error) => {
        for (const message of cancelled) this.schedule.giveBack(message);
        ack(error);
      },
    });
  }

  #check(messages: Envelope[]): void {
    if (this.settings.disabled) throw serviceErrors.entityDisabled(this.#to.path);
    if (this.settings.partitioned) checkPartition(messages, this.window !== undefined);
    let bytes = 0;
    for (const message of messages) {
      if (message.bytes.length > this.maxMessageBytes) {
        throw serviceErrors.tooLarge(message.bytes.length, this.maxMessageBytes);
      }
      checkMessage(message);
      this.#to.check(message);
      bytes += message.bytes.length;
    }
    if (this.#to.bytes + bytes > this.settings.maxBytes) {
      throw serviceErrors.entityFull(this.#to.path);
    }
  }

  /** A duplicate is accepted and dropped. */
  #notSeen(message: Envelope, ids: string[], repeated: string[], entries: Entry[]): boolean {
    if (!this.window || message.messageId === undefined) return true;
    const id = this.settings.partitioned ? idWithinPartition(message) : message.messageId;
    if (this.window.has(id)) {
      this.#core.counters.add('duplicates');
      repeated.push(id);
      return false;
    }
    ids.push(id);
    entries.push(this.window.add(id));
    return true;
  }

  /** Makes due messages ordinary ones, with new sequence numbers at the tail. */
  #activate(due: FullMessage[]): void {
    if (this.#retired) return;
    for (const message of due) {
      const { origin, source, hops } = message;
      const first = origin || message.seq;
      const carried = { origin: first, source: source ?? undefined, hops };
      const entry = placedEntry(
        this.#core,
        this.#to,
        new Envelope(message.bytes),
        { origin: first, activated: hops === 0 },
        carried,
      );
      this.#core.counters.add('activated');
      this.#core.commit({
        frees: true,
        write: (store) => {
          store.deleteMessage(message);
          entry.write(store);
        },
        applied: () => {
          this.schedule.left(message);
          entry.applied();
        },
        refused: () => this.schedule.giveBackUnplaced(message),
      });
    }
  }
}

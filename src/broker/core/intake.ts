import type { Envelope } from '../codec/envelope.ts';
import { type ServiceError, serviceErrors } from '../errors.ts';
import type { Core } from './core.ts';
import { DuplicateWindow } from './duplicates.ts';
import type { Forward, ForwardTarget } from './forwarding.ts';
import type { Ack } from './outcome.ts';
import { type Destination, type Entry, placedEntry, scheduledEntry } from './placing.ts';
import type { StoredMessage } from './records.ts';
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
    this.schedule = new Schedule(core, (messages) => this.#activate(messages));
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

  /** All of them or none; acknowledged when all are on disk. */
  send(messages: Envelope[], ack: (error: ServiceError | undefined, seqs: number[]) => void): void {
    if (this.#retired) return ack(serviceErrors.entityNotFound(`sb://localhost/${this.#to.path}`), []);
    try {
      this.#check(messages);
    } catch (error) {
      return ack(error as ServiceError, []);
    }
    const busy = this.#core.throttle?.take(messages.length);
    if (busy) return ack(busy, []);
    const now = this.#core.alarms.now();
    const ids: string[] = [];
    const repeated: string[] = [];
    const entries: Entry[] = [];
    const seqs: number[] = [];
    for (const message of messages) {
      const fresh = this.#notSeen(message, ids, repeated, entries);
      const scheduled = message.scheduledAt > now;
      const seq = scheduled || !fresh ? this.#to.sequence.take() : 0;
      seqs.push(seq);
      if (!fresh) continue;
      entries.push(
        scheduled
          ? scheduledEntry(this.#core, this.#to, this.schedule, message, seq)
          : placedEntry(this.#core, this.#to, message, 0),
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
          seqs,
        );
      },
      refused: (error) => {
        for (const id of ids) this.window?.remove(id);
        ack(error, []);
      },
    });
  }

  /** As if it were sent: size, duplicates and sessions are looked at again. */
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
      entries.push(placedEntry(this.#core, this.#to, message, carried.origin, carried));
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

  /** Service Bus cancels what is there and ignores the rest. */
  cancel(seqs: number[], ack: Ack): void {
    const cancelled = seqs.flatMap((seq) => this.schedule.get(seq) ?? []);
    for (const message of cancelled) this.schedule.take(message);
    this.#core.commit({
      frees: true,
      write: (store) => {
        for (const message of cancelled) {
          store.deleteMessage(this.#to.id, message.seq);
          store.deleteBody(message.body);
        }
      },
      applied: () => {
        for (const message of cancelled) this.#core.bodies.forget(message.body);
        ack();
      },
      refused: (error) => {
        for (const message of cancelled) this.schedule.add(message);
        ack(error);
      },
    });
  }

  #check(messages: Envelope[]): void {
    if (this.settings.disabled) throw serviceErrors.entityDisabled(this.#to.path);
    let bytes = 0;
    for (const message of messages) {
      if (message.bytes.length > this.maxMessageBytes) {
        throw serviceErrors.tooLarge(message.bytes.length, this.maxMessageBytes);
      }
      checkNames(message);
      this.#to.check(message);
      bytes += message.bytes.length;
    }
    if (this.#to.bytes + bytes > this.settings.maxBytes) {
      throw serviceErrors.quotaExceeded(`The maximum entity size has been reached for '${this.#to.path}'.`);
    }
  }

  /** A duplicate is accepted and dropped. */
  #notSeen(message: Envelope, ids: string[], repeated: string[], entries: Entry[]): boolean {
    const id = message.messageId;
    if (!this.window || id === undefined) return true;
    if (this.window.has(id)) {
      this.#core.counters.add('duplicates');
      repeated.push(id);
      return false;
    }
    ids.push(id);
    entries.push({ write: this.window.add(id), applied: () => {} });
    return true;
  }

  /** What is due becomes an ordinary message with a new sequence number at the tail. */
  #activate(due: StoredMessage[]): void {
    if (this.#retired) return;
    for (const message of due) {
      const entry = placedEntry(this.#core, this.#to, this.#core.envelopeOf(message), message.seq);
      this.#core.counters.add('activated');
      this.#core.commit({
        frees: true,
        write: (store) => {
          store.deleteMessage(this.#to.id, message.seq);
          store.deleteBody(message.body);
          entry.write(store);
        },
        applied: () => {
          this.#core.bodies.forget(message.body);
          entry.applied();
        },
        refused: () => this.schedule.add(message),
      });
    }
  }
}

const MAX_NAME = 128;

function checkNames(message: Envelope): void {
  for (const field of ['messageId', 'sessionId'] as const) {
    if ((message.text(field)?.length ?? 0) > MAX_NAME) {
      throw serviceErrors.invalid(`The ${field} of a message has at most ${MAX_NAME} characters.`);
    }
  }
}

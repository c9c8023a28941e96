import type { Envelope } from '../codec/envelope.ts';
import { type ServiceError, serviceErrors } from '../errors.ts';
import type { MessageRow, Store } from '../store/store.ts';
import type { Core } from './core.ts';
import { DuplicateWindow } from './duplicates.ts';
import { SCHEDULED, StoredMessage } from './message.ts';
import type { Ack } from './outcome.ts';
import type { Queue } from './queue.ts';
import { Schedule } from './schedule.ts';
import type { Sequence } from './sequence.ts';
import type { IntakeSettings } from './settings.ts';

/** Where one message goes: one of these for a queue, one a matching subscription for a topic. */
export interface Placement {
  queue: Queue;
  seq: number;
  origin: number;
  expiresAt: number;
  sessionId: string | undefined;
  source: string | undefined;
  /** Bytes of its own instead of the ones that were sent. */
  bytes?: Buffer;
}

/** What differs between a queue and a topic. */
export interface Destination {
  readonly id: number;
  readonly path: string;
  readonly sequence: Sequence;
  /** Throws a ServiceError when this message must not be here. */
  check(message: Envelope): void;
  place(message: Envelope, now: number, origin: number): Placement[];
  readonly bytes: number;
  row(message: StoredMessage): MessageRow;
}

interface Entry {
  write(store: Store): void;
  applied(): void;
}

/** The way in: checks, duplicate detection, scheduling, and placing what is due. */
export class Intake {
  readonly #core: Core;
  readonly #to: Destination;
  readonly schedule: Schedule;
  settings: IntakeSettings;
  window: DuplicateWindow | undefined;

  constructor(core: Core, to: Destination, settings: IntakeSettings) {
    this.#core = core;
    this.#to = to;
    this.settings = settings;
    this.schedule = new Schedule(core, (messages) => this.#activate(messages));
    this.configure(settings);
  }

  configure(settings: IntakeSettings): void {
    this.settings = settings;
    const { duplicateWindowMs } = settings;
    if (duplicateWindowMs === this.window?.windowMs) return;
    this.window =
      duplicateWindowMs > 0 ? new DuplicateWindow(this.#core, this.#to.id, duplicateWindowMs) : undefined;
  }

  /** All of them or none; acknowledged when all are on disk. */
  send(messages: Envelope[], ack: (error: ServiceError | undefined, seqs: number[]) => void): void {
    try {
      this.#check(messages);
    } catch (error) {
      return ack(error as ServiceError, []);
    }
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
      entries.push(scheduled ? this.#scheduled(message, seq, now) : this.#placed(message, now, 0));
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
    let bytes = 0;
    for (const message of messages) {
      if (message.bytes.length > this.#core.maxMessageBytes) {
        throw serviceErrors.tooLarge(message.bytes.length, this.#core.maxMessageBytes);
      }
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

  #scheduled(envelope: Envelope, seq: number, now: number): Entry {
    const message = new StoredMessage({
      seq,
      body: this.#core.bodies.next(),
      shared: false,
      size: envelope.bytes.length,
      enqueuedAt: now,
      expiresAt: 0,
      dueAt: envelope.scheduledAt,
      deliveryCount: 0,
      state: SCHEDULED,
      session: undefined,
      origin: 0,
      source: undefined,
    });
    this.#core.counters.add('scheduled');
    return {
      write: (store) => {
        store.insertBody(message.body, false, envelope.bytes);
        store.insertMessage({ ...this.#to.row(message), session: envelope.sessionId ?? null });
      },
      applied: () => this.schedule.add(message),
    };
  }

  #placed(envelope: Envelope, now: number, origin: number): Entry {
    const placements = this.#to.place(envelope, now, origin);
    const sharing = placements.filter((placement) => !placement.bytes).length;
    const body = sharing > 0 ? this.#core.bodies.next() : 0;
    const shared = sharing > 1;
    const placed = placements.map(({ queue, bytes, sessionId, source, ...rest }) => {
      const message = new StoredMessage({
        ...rest,
        body: bytes ? this.#core.bodies.next() : body,
        shared: bytes ? false : shared,
        size: (bytes ?? envelope.bytes).length,
        enqueuedAt: now,
        dueAt: 0,
        deliveryCount: 0,
        state: 0,
        session: undefined,
        source,
      });
      return { queue, message, bytes, sessionId };
    });
    return {
      write: (store) => {
        if (sharing > 0) store.insertBody(body, shared, envelope.bytes);
        for (const { queue, message, bytes, sessionId } of placed) {
          if (bytes) store.insertBody(message.body, false, bytes);
          store.insertMessage({ ...queue.row(message), session: sessionId ?? null });
        }
      },
      applied: () => {
        if (sharing > 0) this.#core.bodies.remember(body, envelope.bytes);
        for (const { queue, message, sessionId } of placed) {
          if (message.shared) this.#core.bodies.addOwner(body);
          // Only now: a session without messages may have been forgotten since.
          if (sessionId !== undefined) message.session = queue.sessions?.ensure(sessionId);
          queue.admit(message);
        }
      },
    };
  }

  /** What is due becomes an ordinary message with a new sequence number at the tail. */
  #activate(due: StoredMessage[]): void {
    const now = this.#core.alarms.now();
    for (const message of due) {
      const entry = this.#placed(this.#core.envelopeOf(message), now, message.seq);
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

/**
 * The sessions of a queue that are in memory: those that somebody holds, and those of the messages nearest to the queue's
 * front. All others are on disk only, in the order of their messages, so a million sessions cost what a few do.
 */
import type { Page } from './line.ts';
import { Session, type StoredMessage } from './records.ts';

export class SessionTable {
  readonly #byId = new Map<string, Session>();
  readonly #most: number;
  /** Up to this number, messages are in memory or gone, or their session is here and reads them in its turn. */
  #upTo = 0;
  /** There may be more behind it. */
  #behind = false;
  /** Ready messages in memory. */
  ready = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** After a start all of it is on disk. */
  restore(): void {
    this.#behind = true;
  }

  get(id: string): Session | undefined {
    return this.#byId.get(id);
  }

  all(): Iterable<Session> {
    return this.#byId.values();
  }

  ensure(id: string): Session {
    let session = this.#byId.get(id);
    if (!session) {
      session = new Session(id);
      if (this.#behind) session.restore(this.#upTo);
      this.#byId.set(id, session);
    }
    return session;
  }

  /** Whether a new message stays in memory; if not it is read in its turn. */
  keeps(id: string, seq: number): boolean {
    const room = this.ready < this.#most;
    // A session that is not here may have messages on disk, which come first.
    const session = this.#byId.get(id) ?? (room && !this.#behind ? this.ensure(id) : undefined);
    if (session?.keeps(seq, room)) return true;
    this.#behind = true;
    return false;
  }

  /**
   * Reads on from the queue's front, of each session that is not here its first message. Returns the sessions that have
   * something; undefined when nothing is behind, or not now.
   */
  readOn(
    read: (after: number, skips: (id: string, seq: number) => boolean) => Page<StoredMessage> | undefined,
  ): Set<Session> | undefined {
    if (!this.#behind) return undefined;
    const found = new Set<Session>();
    const page = read(this.#upTo, (id, seq) => {
      const session = this.#byId.get(id);
      if (session && seq > session.upTo) {
        session.passed = true;
        found.add(session);
      }
      return session !== undefined;
    });
    if (!page) return undefined;
    for (const message of page.messages) {
      if (!message.session) continue;
      message.session.bring(message);
      found.add(message.session);
    }
    this.#upTo = Math.max(this.#upTo, page.upTo);
    this.#behind = page.more;
    return found;
  }

  forgetIfIdle(session: Session): void {
    if (session.messages > 0 || session.hold || session.queued || (session.passed && session.waiting)) return;
    if (this.#byId.get(session.id) === session) this.#byId.delete(session.id);
  }
}

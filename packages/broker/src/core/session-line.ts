/** Where sessions that have messages meet receivers that wait for one: both are served as they came. */
import { Fifo, WaitingLine } from '../collections.ts';
import type { Consumer, Hold, Session } from './records.ts';

/** Somebody waiting for the next session that has messages. */
export interface SessionWaiter {
  readonly consumer: Consumer;
  accepted(hold: Hold): void;
  waiting: boolean;
}

/** What the line asks of the owner of the sessions. */
export interface LineHost {
  /** Adds sessions that are on disk; false if there are no more. */
  readOn(): boolean;
  hasMessage(session: Session): boolean;
  take(session: Session, consumer: Consumer): Hold;
  /** Called for a session that has nothing to wait for here. */
  forget(session: Session): void;
  /** Calls `match` again when others have had their turn. */
  goOn(): void;
}

/** Read from disk in search of a session that nobody holds: a long one in somebody's hands may stand before all others. */
const PAGES_AT_ONCE = 20;

export class SessionLine {
  readonly #host: LineHost;
  /** Sessions with ready messages and no holder, longest waiting first. */
  readonly #available = new Fifo<Session>();
  readonly #waiters = new WaitingLine<SessionWaiter>(({ waiting }) => waiting);
  #matching = false;

  constructor(host: LineHost) {
    this.#host = host;
  }

  add(session: Session): void {
    if (session.queued) return;
    session.queued = true;
    this.#available.push(session);
  }

  wait(waiter: SessionWaiter): void {
    this.#waiters.push(waiter);
    this.match();
  }

  match(): void {
    // A receiver that gets a session may set off another look at the line.
    if (this.#matching) return;
    this.#matching = true;
    try {
      for (let waiter = this.#next(); waiter; waiter = this.#next()) {
        const session = this.#nextAvailable();
        if (!session) return;
        this.#waiters.shift();
        waiter.waiting = false;
        waiter.accepted(this.#host.take(session, waiter.consumer));
      }
    } finally {
      this.#matching = false;
    }
  }

  /** Its time is over, or its receiver is gone. */
  leave(waiter: SessionWaiter): void {
    if (!waiter.waiting) return;
    waiter.waiting = false;
    this.#waiters.left();
  }

  #next(): SessionWaiter | undefined {
    for (let waiter = this.#waiters.peek(); waiter; waiter = this.#waiters.peek()) {
      if (waiter.waiting) return waiter;
      this.#waiters.shift();
    }
    return undefined;
  }

  #nextAvailable(): Session | undefined {
    for (let pages = 0; ; ) {
      const session = this.#available.shift();
      if (session) {
        session.queued = false;
        if (!session.hold && this.#host.hasMessage(session)) return session;
        this.#host.forget(session);
      } else if (pages === PAGES_AT_ONCE) {
        this.#host.goOn();
        return undefined;
      } else if (this.#host.readOn()) {
        pages += 1;
      } else {
        return undefined;
      }
    }
  }
}

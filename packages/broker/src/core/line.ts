// Messages that wait for a receiver, by sequence number: new ones arrive in order at the tail, those given back
// (abandoned, lock lost) come again before everything with a higher number.
import { Fifo, Heap } from '../collections.ts';

/** What the list must know of a message. */
interface Ready {
  readonly seq: number;
  readonly place: string;
}

/**
 * Messages waiting for a receiver, in the order of their sequence numbers: new ones arrive in order at the tail,
 * those given back (abandon, lost lock) come again before everything with a higher number.
 * A message that left otherwise (expired, deleted) is skipped when it reaches the front.
 */
export class ReadyList<T extends Ready> {
  readonly #inOrder = new Fifo<T>();
  #returned: Heap<T> | undefined;

  add(message: T): void {
    const last = this.#inOrder.last();
    if (last && last.seq > message.seq) {
      this.#returned ??= new Heap((item) => item.seq);
      this.#returned.push(message);
    } else {
      this.#inOrder.push(message);
    }
  }

  first(): T | undefined {
    return this.#front()?.peek();
  }

  take(): T | undefined {
    const front = this.#front();
    return front instanceof Heap ? front.pop() : front?.shift();
  }

  #front(): Fifo<T> | Heap<T> | undefined {
    while (this.#inOrder.size > 0 && this.#inOrder.peek()?.place !== 'ready') this.#inOrder.shift();
    const returned = this.#returned;
    if (returned) {
      while (returned.size > 0 && returned.peek()?.place !== 'ready') returned.pop();
      if (returned.size === 0) this.#returned = undefined;
    }
    const a = this.#inOrder.peek();
    const b = this.#returned?.peek();
    if (!a) return this.#returned;
    return b && b.seq < a.seq ? this.#returned : this.#inOrder;
  }
}

// Messages waiting for a receiver, of a queue or of one session, in the order of their numbers: the first ones in memory,
// those behind them only on disk until their turn comes. So a backlog costs no memory, however long it is.

/** Messages read from disk. */
export interface Page<M extends Ready> {
  readonly messages: M[];
  /** Up to this number all are in memory now. */
  readonly upTo: number;
  readonly more: boolean;
}

/** Reads what comes behind a number; undefined = not now, the reader is asked again. */
type ReadPage<M extends Ready> = (after: number) => Page<M> | undefined;

export class Line<M extends Ready> {
  #ready: ReadyList<M> | undefined;
  #upTo = 0;
  #behind = false;

  /** Something waits, though it may turn out to have expired. */
  get waiting(): boolean {
    return this.#behind || this.#ready?.first() !== undefined;
  }

  /** All behind a number is on disk, as after a start. */
  restore(upTo: number): void {
    this.#upTo = upTo;
    this.#behind = true;
  }

  get upTo(): number {
    return this.#upTo;
  }

  /** Whether a new message stays in memory; if not it is read in its turn. */
  keeps(seq: number, room: boolean): boolean {
    // A dead letter keeps its number, which may be among those that are here.
    if (seq <= this.#upTo) return true;
    if (this.#behind || !room) {
      this.#behind = true;
      return false;
    }
    this.#upTo = seq;
    return true;
  }

  /** One that was read for somebody else, in order. */
  bring(message: M): void {
    this.#upTo = message.seq;
    this.add(message);
  }

  add(message: M): void {
    this.#ready ??= new ReadyList();
    this.#ready.add(message);
  }

  /** The first message; with `read` from disk when memory holds none. */
  first(read?: ReadPage<M>): M | undefined {
    for (;;) {
      const first = this.#ready?.first();
      if (first || !this.#behind || !read) return first;
      const page = read(this.#upTo);
      if (!page) return undefined;
      this.#upTo = Math.max(this.#upTo, page.upTo);
      this.#behind = page.more;
      for (const message of page.messages) this.add(message);
    }
  }

  take(): M | undefined {
    return this.#ready?.take();
  }
}

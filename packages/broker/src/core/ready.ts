// Messages that wait for a receiver, by sequence number: new ones arrive in order at the tail, those given back
// (abandoned, lock lost) come again before everything with a higher number.
import { Fifo } from './fifo.ts';
import { Heap } from './heap.ts';

/** What the list must know of a message. */
export interface Ready {
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

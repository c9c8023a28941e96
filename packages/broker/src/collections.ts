// The collections that keep a long backlog cheap: a queue with constant time at both ends, a heap over a number key, and a
// line of consumers of which many leave before they are served.

const COMPACT_FROM = 1024;

/** A queue over an array with a moving head: constant time at both ends, no linked nodes. */
export class Fifo<T> {
  #items: T[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  peek(): T | undefined {
    return this.#items[this.#head];
  }

  last(): T | undefined {
    return this.size > 0 ? this.#items[this.#items.length - 1] : undefined;
  }

  /** Removes what is not needed any more, in one go. */
  keep(useful: (item: T) => boolean): void {
    this.#items = this.#items.slice(this.#head).filter(useful);
    this.#head = 0;
  }

  shift(): T | undefined {
    if (this.#head >= this.#items.length) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined as T;
    this.#head += 1;
    if (this.#head === this.#items.length) {
      this.#items.length = 0;
      this.#head = 0;
    } else if (this.#head >= COMPACT_FROM && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}

/**
 * A binary min-heap over a number key. `placed` tells where an item lies (-1 when it has left), so that it can be taken out
 * from any place.
 */
export class Heap<T> {
  readonly #key: (item: T) => number;
  readonly #placed: ((item: T, index: number) => void) | undefined;
  readonly #items: T[] = [];

  constructor(key: (item: T) => number, placed?: (item: T, index: number) => void) {
    this.#key = key;
    this.#placed = placed;
  }

  get size(): number {
    return this.#items.length;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    this.#items.push(item);
    this.#up(item, this.#items.length - 1);
  }

  pop(): T | undefined {
    return this.removeAt(0);
  }

  /** The item at a place, if there is one; the others stay a heap, whatever its key has become. */
  removeAt(index: number): T | undefined {
    const items = this.#items;
    const removed = items[index];
    if (removed === undefined) return undefined;
    const last = items.pop() as T;
    // The last one fills the gap, and goes to where it belongs from there.
    if (index < items.length) this.#up(last, this.#down(last, index));
    this.#placed?.(removed, -1);
    return removed;
  }

  #up(item: T, from: number): void {
    const key = this.#key(item);
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = this.#items[parent] as T;
      if (this.#key(above) <= key) break;
      this.#put(above, index);
      index = parent;
    }
    this.#put(item, index);
  }

  /** Moves what is smaller up; returns the place that is left for the item. */
  #down(item: T, from: number): number {
    const items = this.#items;
    const key = this.#key(item);
    let index = from;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= items.length) return index;
      const right = child + 1;
      if (right < items.length && this.#key(items[right] as T) < this.#key(items[child] as T)) child = right;
      const below = items[child] as T;
      if (this.#key(below) >= key) return index;
      this.#put(below, index);
      index = child;
    }
  }

  #put(item: T, index: number): void {
    this.#items[index] = item;
    this.#placed?.(item, index);
  }
}

const TIDY_FROM = 64;

/** Consumers that wait, first come first served; those that leave without having been served are forgotten in batches. */
export class WaitingLine<T> {
  readonly #line = new Fifo<T>();
  readonly #stillWaits: (item: T) => boolean;
  #gone = 0;

  constructor(stillWaits: (item: T) => boolean) {
    this.#stillWaits = stillWaits;
  }

  /** Those included that are gone and not yet forgotten. */
  get size(): number {
    return this.#line.size;
  }

  push(item: T): void {
    this.#line.push(item);
  }

  peek(): T | undefined {
    return this.#line.peek();
  }

  shift(): T | undefined {
    return this.#line.shift();
  }

  /** One of them waits no more. */
  left(): void {
    this.#gone += 1;
    if (this.#gone < TIDY_FROM || this.#gone * 2 < this.size) return;
    this.#gone = 0;
    this.#line.keep(this.#stillWaits);
  }
}

// The collections that keep a long backlog cheap: a queue with constant time at both ends, a heap over a number key, and a
// line of consumers of which many leave before they are served.

// A queue over an array with a moving head: constant time at both ends, no linked nodes.

const COMPACT_FROM = 1024;

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

  /** Leaves out what is of no more use, in one go. */
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

/** A binary min-heap over a number key; dead entries are dropped when they are popped. */
export class Heap<T> {
  readonly #key: (item: T) => number;
  #items: T[] = [];

  constructor(key: (item: T) => number) {
    this.#key = key;
  }

  get size(): number {
    return this.#items.length;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const items = this.#items;
    let index = items.length;
    items.push(item);
    const key = this.#key(item);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = items[parent] as T;
      if (this.#key(above) <= key) break;
      items[index] = above;
      index = parent;
    }
    items[index] = item;
  }

  pop(): T | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (items.length === 0 || last === undefined) return first;
    const key = this.#key(last);
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= items.length) break;
      const right = child + 1;
      if (right < items.length && this.#key(items[right] as T) < this.#key(items[child] as T)) child = right;
      const below = items[child] as T;
      if (this.#key(below) >= key) break;
      items[index] = below;
      index = child;
    }
    items[index] = last;
    return first;
  }

  /** Drops what no longer counts, so that lazy removal cannot leak. */
  keep(wanted: (item: T) => boolean): void {
    const kept = this.#items.filter(wanted);
    this.#items = [];
    for (const item of kept) this.push(item);
  }
}

// Consumers that wait, first come first served; those that leave without having been served are forgotten in batches.

const TIDY_FROM = 64;

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

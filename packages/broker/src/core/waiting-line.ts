/** Consumers that wait, first come first served; those that leave without having been served are forgotten in batches. */
import { Fifo } from './fifo.ts';

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

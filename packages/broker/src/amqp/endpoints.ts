/** How many sessions and links there may be on all connections together: each keeps some kilobytes in memory. */
import { Violation } from './violation.ts';

/** From here on new links are refused. */
const LIMIT = 40_000;
/** Clients that continue in spite of that lose their connection. */
const HARD_LIMIT = 44_000;

export class Endpoints {
  #count = 0;

  /** Open now. */
  get count(): number {
    return this.#count;
  }

  get full(): boolean {
    return this.#count > LIMIT;
  }

  added(): void {
    if (this.#count >= HARD_LIMIT) {
      throw new Violation('amqp:resource-limit-exceeded', 'The broker serves no more sessions and links.');
    }
    this.#count += 1;
  }

  removed(count: number): void {
    this.#count -= count;
  }
}

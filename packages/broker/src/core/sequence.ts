// Sequence numbers, promised to the store in blocks: a restart never hands one out twice.
import type { Core } from './core.ts';

/** Numbers are promised to the store in blocks, so that a restart never hands one out twice. */
const BLOCK = 1000;

export class Sequence {
  readonly #core: Core;
  readonly #entity: number;
  #next: number;
  #ceiling: number;

  constructor(core: Core, entity: number, ceiling: number) {
    this.#core = core;
    this.#entity = entity;
    this.#next = Math.max(ceiling, 1);
    this.#ceiling = this.#next;
  }

  take(): number {
    if (this.#next >= this.#ceiling) {
      this.#ceiling += BLOCK;
      const ceiling = this.#ceiling;
      this.#core.write((store) => store.setCeiling(this.#entity, ceiling));
    }
    const seq = this.#next;
    this.#next += 1;
    return seq;
  }
}

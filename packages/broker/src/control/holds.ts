/** Operations that delays hold back, for a time or until their fault is cleared. */

interface Held {
  readonly fault: string;
  readonly timer: NodeJS.Timeout | undefined;
  goOn(): void;
}

export class Holds {
  readonly #held = new Set<Held>();

  get size(): number {
    return this.#held.size;
  }

  add(fault: string, ms: number | undefined, goOn: () => void): void {
    const timer = ms === undefined ? undefined : setTimeout(() => this.#release(held), ms);
    const held: Held = { fault, timer, goOn };
    this.#held.add(held);
  }

  /** Lets go of what faults hold that are no longer there. */
  releaseWithout(known: (fault: string) => boolean): void {
    for (const held of this.#held) if (!known(held.fault)) this.#release(held);
  }

  /** Nothing of it will continue. */
  drop(): void {
    for (const { timer } of this.#held) clearTimeout(timer);
    this.#held.clear();
  }

  #release(held: Held): void {
    if (!this.#held.delete(held)) return;
    clearTimeout(held.timer);
    held.goOn();
  }
}

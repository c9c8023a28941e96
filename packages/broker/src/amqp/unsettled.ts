/** Deliveries whose outcome is still owed, of one connection and of all: each keeps about a kilobyte in memory. */

/** Of one connection. */
const MAX_OF_ONE = 20_000;
/** Of all of them; beyond it each connection may have its small share only. */
const MAX_OF_ALL = 100_000;
const SHARE = 100;

export class AllUnsettled {
  #count = 0;
  readonly #waiting = new Set<() => void>();
  #scheduled = false;

  get crowded(): boolean {
    return this.#count >= MAX_OF_ALL;
  }

  /** Tells once after some have been settled, by whomever. */
  whenRoom(tell: () => void): void {
    this.#waiting.add(tell);
  }

  add(change: number): void {
    this.#count += change;
    if (change >= 0 || this.#waiting.size === 0 || this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const waiting = [...this.#waiting];
      this.#waiting.clear();
      for (const tell of waiting) tell();
    });
  }
}

export class Unsettled {
  readonly #all: AllUnsettled;
  #count = 0;

  constructor(all: AllUnsettled) {
    this.#all = all;
  }

  get full(): boolean {
    return this.#count >= (this.#all.crowded ? SHARE : MAX_OF_ONE);
  }

  whenRoom(tell: () => void): void {
    this.#all.whenRoom(tell);
  }

  add(change: number): void {
    this.#count += change;
    this.#all.add(change);
  }
}

// Places for sessions in use, and the line before them: sessions whose lock is held already, first come, first served.
// Somebody in line is how a pump knows that others wait (I14): the service does not tell.

interface Waiting {
  readonly answer: (placed: boolean) => void;
  readonly patience: NodeJS.Timeout;
}

export class Places {
  #free: number;
  #closed = false;
  readonly #line = new Set<Waiting>();

  constructor(count: number) {
    this.#free = count;
  }

  /** How many stand in line. */
  get waiting(): number {
    return this.#line.size;
  }

  /** False when none came free in time, or the line is closed. */
  take(patienceMs: number): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false);
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const waiting: Waiting = {
        answer: (placed) => {
          this.#line.delete(waiting);
          clearTimeout(waiting.patience);
          resolve(placed);
        },
        patience: setTimeout(() => waiting.answer(false), patienceMs),
      };
      this.#line.add(waiting);
    });
  }

  free(): void {
    const [first] = this.#line;
    if (first === undefined) this.#free += 1;
    else first.answer(true);
  }

  /** Sends everybody in line away. */
  close(): void {
    this.#closed = true;
    for (const waiting of this.#line) waiting.answer(false);
  }
}

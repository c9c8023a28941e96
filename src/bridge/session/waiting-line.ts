// Places for sessions in use, and the line before them: sessions whose lock is held already, first come, first served.
// Somebody in line is how a pump knows that others wait (I14): the service does not tell.

interface Waiting {
  readonly answer: (placed: boolean) => void;
  readonly patience: NodeJS.Timeout;
}

export class WaitingLine {
  #count: number;
  #used = 0;
  #closed = false;
  readonly #line = new Set<Waiting>();

  constructor(count: number) {
    this.#count = count;
  }

  /** How many stand in line. */
  get waiting(): number {
    return this.#line.size;
  }

  /** Whether more have a place than there are places now. */
  get crowded(): boolean {
    return this.#used > this.#count;
  }

  /** Who has a place keeps it. */
  resize(count: number): void {
    this.#count = count;
    this.#admit();
  }

  /** False when none came free in time, or the line is closed. */
  take(patienceMs: number): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false);
    if (this.#used < this.#count) {
      this.#used += 1;
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
    this.#used -= 1;
    this.#admit();
  }

  /** Sends everybody in line away. */
  close(): void {
    this.#closed = true;
    for (const waiting of this.#line) waiting.answer(false);
  }

  #admit(): void {
    for (const first of this.#line) {
      if (this.#used >= this.#count) return;
      this.#used += 1;
      first.answer(true);
    }
  }
}

// Limits of what clients may have open: sessions, links, deliveries without an outcome. A client that exceeds them or breaks
// the protocol is told so, and its connection ends.

/** A client that breaks the protocol is told how, and its connection ends. */
export class Violation extends Error {
  readonly condition: string;

  constructor(condition: string, description: string) {
    super(description);
    this.name = 'Violation';
    this.condition = condition;
  }
}

/** What an error that ends a connection says on the wire. */
export function toViolation(error: unknown): Violation {
  if (error instanceof Violation) return error;
  return new Violation('amqp:decode-error', error instanceof Error ? error.message : String(error));
}

// How many sessions and links there may be on all connections together: each keeps some kilobytes in memory.

/** From here on new links are refused. */
const LIMIT = 40_000;
/** Clients that still open more lose their connection. */
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

// Deliveries whose outcome is still owed, of one connection and of all: each keeps about a kilobyte in memory.

/** Limit of one connection. */
const MAX_OF_ONE = 20_000;
/** Limit of all together; beyond it each connection may have its small share only. */
const MAX_OF_ALL = 100_000;
const SHARE = 100;

export class AllUnsettled {
  #count = 0;
  readonly #waiting = new Set<() => void>();
  #scheduled = false;

  get crowded(): boolean {
    return this.#count >= MAX_OF_ALL;
  }

  /** Calls back once, after anybody has settled some. */
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

// Messages that a held session has received and nobody has taken yet, and the one taker who waits for them.

export type Arrival<T> =
  | { readonly kind: 'messages'; readonly messages: readonly T[] }
  | { readonly kind: 'idle' }
  | { readonly kind: 'interrupted' };

interface Taker<T> {
  readonly max: number;
  readonly resolve: (arrival: Arrival<T>) => void;
  readonly timer: NodeJS.Timeout | undefined;
}

/** setTimeout takes no longer wait; a longer one means: for ever. */
const LONGEST_TIMER_MS = 2_147_483_647;

export class Intake<T> {
  #messages: T[] = [];
  #taker: Taker<T> | undefined;
  #handing = false;

  push(message: T): void {
    this.#messages.push(message);
    if (this.#taker === undefined || this.#handing) return;
    // One turn of the event loop: a burst that came in one network read is given as one batch (I12).
    this.#handing = true;
    setImmediate(() => {
      this.#handing = false;
      const taker = this.#taker;
      if (taker !== undefined && this.#messages.length > 0) this.#answer(this.#give(taker.max));
    });
  }

  /** At once if there are messages; one taker at a time. */
  take(max: number, idleMs: number): Promise<Arrival<T>> {
    if (this.#messages.length > 0) return Promise.resolve(this.#give(max));
    return new Promise((resolve) => {
      const timer =
        idleMs > LONGEST_TIMER_MS ? undefined : setTimeout(() => this.#answer({ kind: 'idle' }), idleMs);
      this.#taker = { max, resolve, timer };
    });
  }

  /** Ends the wait of a taker as idle; false when nobody waits, or something has come. */
  rest(): boolean {
    if (this.#taker === undefined || this.#messages.length > 0) return false;
    this.#answer({ kind: 'idle' });
    return true;
  }

  /** Wakes the taker with nothing: the session is lost or the pump is stopping. */
  interrupt(): void {
    this.#answer({ kind: 'interrupted' });
  }

  #give(max: number): Arrival<T> {
    const all = this.#messages;
    if (all.length <= max) {
      this.#messages = [];
      return { kind: 'messages', messages: all };
    }
    return { kind: 'messages', messages: all.splice(0, max) };
  }

  #answer(arrival: Arrival<T>): void {
    const taker = this.#taker;
    if (taker === undefined) return;
    this.#taker = undefined;
    clearTimeout(taker.timer);
    taker.resolve(arrival);
  }
}

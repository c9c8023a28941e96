import type { Clock } from '../../src/index.ts';

/** Time that stands still until a test moves it; it starts at the real time, which the client compares with. */
export class VirtualClock implements Clock {
  #now = Date.now();
  readonly #timers = new Set<{ at: number; fn: () => void }>();

  now(): number {
    return this.#now;
  }

  setTimer(at: number, fn: () => void): () => void {
    const timer = { at, fn };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Goes from one due timer to the next, so that everything happens at its own instant. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (!next) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.fn();
    }
    this.#now = end;
  }
}

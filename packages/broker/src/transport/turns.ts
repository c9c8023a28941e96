/**
 * Whose bytes are worked on next. The event loop has one thread: who sends little is served at once, who sends much
 * waits in line and gets a slice a turn, so that a flood on some connections delays the others by one turn at most.
 */
import { performance } from 'node:perf_hooks';
import { Fifo } from '../collections.ts';

/** Milliseconds for all that wait in line, until sockets and commits have their turn again. */
const TURN_MS = 0.5;
/** Milliseconds for one of them. */
const SLICE_MS = 0.25;
/** What a connection may use at once of every window; more makes it wait in line, until it has been less for a window. */
const FREE_MS = 2;
const WINDOW_MS = 100;
/** Work whose single steps are long rests after so much of it, three times as long. */
const HEAVY_MS = 2;
const REST_FACTOR = 3;

/** Something with work that can be done bit by bit. */
export interface Taker {
  /** Works until about then, at least one step; true = there is more. */
  work(until: number): boolean;
}

export class Turns {
  readonly #line = new Fifo<Taker>();
  readonly #heavy = new Fifo<() => void>();
  #scheduled = false;
  #idle = true;
  /** Work that was asked for and happens later counts as if it had taken its time already. */
  #charged = 0;

  /** In milliseconds; runs faster than the clock while costs are charged. */
  now(): number {
    return performance.now() + this.#charged;
  }

  charge(ms: number): void {
    this.#charged += ms;
  }

  /** Once; again when its work says that it is not done. */
  queue(taker: Taker): void {
    this.#line.push(taker);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#turn());
  }

  /** A step that takes long, as a megabyte to be read and written does: it has a quarter of the time at most. */
  queueHeavy(step: () => void): void {
    this.#heavy.push(step);
    if (this.#heavy.size === 1 && this.#idle) setImmediate(() => this.#workHeavily());
    this.#idle = false;
  }

  #workHeavily(): void {
    const start = performance.now();
    let spent = 0;
    for (let step = this.#heavy.shift(); step; step = this.#heavy.shift()) {
      step();
      spent = performance.now() - start;
      if (spent >= HEAVY_MS) break;
    }
    this.#idle = this.#heavy.size === 0 && spent < HEAVY_MS;
    if (!this.#idle) setTimeout(() => this.#workHeavily(), spent * REST_FACTOR).unref();
  }

  #turn(): void {
    this.#scheduled = false;
    const start = this.now();
    const end = start + TURN_MS;
    for (let now = start; now < end; now = this.now()) {
      const taker = this.#line.shift();
      if (!taker) return;
      if (taker.work(Math.min(now + SLICE_MS, end))) this.#line.push(taker);
    }
    if (this.#line.size > 0 && !this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => this.#turn());
    }
  }
}

/** What one connection has used of late. */
export class Usage {
  readonly #turns: Turns;
  #windowEnd = 0;
  #used = 0;
  #heavy = false;

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  /** Milliseconds that it may use without waiting in line; 0 or less = it waits. */
  free(): number {
    const now = this.#turns.now();
    if (now >= this.#windowEnd) {
      this.#heavy = this.#used > FREE_MS && now < this.#windowEnd + WINDOW_MS;
      this.#windowEnd = now + WINDOW_MS;
      this.#used = 0;
    }
    return this.#heavy ? 0 : FREE_MS - this.#used;
  }

  add(ms: number): void {
    this.#used += ms;
  }
}

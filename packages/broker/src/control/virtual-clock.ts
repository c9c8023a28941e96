/** Time that stands still until it is skipped; kept in shared memory, so that other threads can read it too. */
import type { Clock } from '../clock.ts';

/** Asks for a clock that stands still until `advance`, and says where it begins. */
export interface VirtualTime {
  readonly virtual: {
    /** Default: the real time. */
    readonly startAt?: number;
  };
}

const BYTES = 8;

interface Timer {
  readonly at: number;
  readonly fn: () => void;
}

export class VirtualClock implements Clock {
  readonly shared: SharedArrayBuffer;
  readonly #now: BigInt64Array;
  readonly #timers = new Set<Timer>();

  /** Continues from what the shared memory says, if there is any. */
  constructor(shared = new SharedArrayBuffer(BYTES)) {
    this.shared = shared;
    this.#now = new BigInt64Array(shared);
  }

  static at(startAt = Date.now()): VirtualClock {
    const clock = new VirtualClock();
    clock.#set(startAt);
    return clock;
  }

  now(): number {
    return Number(Atomics.load(this.#now, 0));
  }

  setTimer(at: number, fn: () => void): () => void {
    const timer = { at, fn };
    this.#timers.add(timer);
    // What is due already does not wait for a skip.
    if (at <= this.now()) setImmediate(() => this.#fire(timer));
    return () => this.#timers.delete(timer);
  }

  /** Fires what is due at the new time. */
  skipTo(at: number): void {
    this.#set(Math.max(at, this.now()));
    for (const timer of this.#timers) if (timer.at <= this.now()) this.#fire(timer);
  }

  #fire(timer: Timer): void {
    if (this.#timers.delete(timer)) timer.fn();
  }

  #set(at: number): void {
    Atomics.store(this.#now, 0, BigInt(Math.ceil(at)));
  }
}

/** The clock of broker options that ask for one. */
export function virtualClockOf(asked: unknown): VirtualClock | undefined {
  if (asked instanceof VirtualClock) return asked;
  if (asked === 'virtual') return VirtualClock.at();
  return isVirtualTime(asked) ? VirtualClock.at(asked.virtual.startAt) : undefined;
}

function isVirtualTime(asked: unknown): asked is VirtualTime {
  return typeof asked === 'object' && asked !== null && 'virtual' in asked;
}

/** Time is injected: everything that waits goes through one heap of alarms over one timer of the given clock. */
import { Heap } from './collections.ts';

/** A time in epoch ms, and timers that go by it. */
export interface Clock {
  now(): number;
  /** Calls `fn` once at or after the instant `at`; returns how to take that back. */
  setTimer(at: number, fn: () => void): () => void;
}

/** Node clamps longer timers to 1 ms; an alarm that wakes early is armed again. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(at, fn) {
    const timer = setTimeout(fn, Math.min(Math.max(at - Date.now(), 0), LONGEST_TIMER_MS));
    return () => clearTimeout(timer);
  },
};

export interface Alarm {
  /** Rings once at the instant; a later call moves it, `undefined` silences it. */
  set(at: number | undefined): void;
  readonly at: number | undefined;
}

class HeapAlarm implements Alarm {
  at: number | undefined;
  index = -1;
  readonly ring: () => void;
  readonly #owner: Alarms;

  constructor(owner: Alarms, ring: () => void) {
    this.#owner = owner;
    this.ring = ring;
  }

  set(at: number | undefined): void {
    if (at === this.at) return;
    this.at = at;
    this.#owner.moved(this);
  }
}

export class Alarms {
  readonly #clock: Clock;
  /** Told before an alarm rings. */
  onRing: () => void = () => {};
  readonly #heap = new Heap<HeapAlarm>(
    ({ at = Number.POSITIVE_INFINITY }) => at,
    (alarm, index) => {
      alarm.index = index;
    },
  );
  #armedAt = Number.POSITIVE_INFINITY;
  #disarm: (() => void) | undefined;
  #stopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  /** When the next one rings. */
  next(): number | undefined {
    return this.#heap.peek()?.at;
  }

  create(ring: () => void): Alarm {
    return new HeapAlarm(this, ring);
  }

  stop(): void {
    this.#stopped = true;
    this.#disarm?.();
    while (this.#heap.pop() !== undefined);
  }

  moved(alarm: HeapAlarm): void {
    if (alarm.index >= 0) this.#heap.removeAt(alarm.index);
    if (alarm.at !== undefined) this.#heap.push(alarm);
    this.#arm();
  }

  #arm(): void {
    const first = this.#heap.peek()?.at;
    if (this.#stopped || first === undefined || first >= this.#armedAt) return;
    this.#disarm?.();
    this.#armedAt = first;
    this.#disarm = this.#clock.setTimer(first, () => this.#wake());
  }

  #wake(): void {
    this.#disarm = undefined;
    this.#armedAt = Number.POSITIVE_INFINITY;
    const now = this.now();
    for (
      let first = this.#heap.peek();
      first?.at !== undefined && first.at <= now;
      first = this.#heap.peek()
    ) {
      this.#heap.pop();
      first.at = undefined;
      this.onRing();
      first.ring();
    }
    this.#arm();
  }
}

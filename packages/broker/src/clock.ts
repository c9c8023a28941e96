/** Time is injected: everything that waits goes through one heap of alarms over one timer of the given clock. */

export interface Clock {
  now(): number;
  /** Calls `fn` once at or after the instant `at`; returns how to take that back. */
  setTimer(at: number, fn: () => void): () => void;
}

/** Node clamps longer timers to 1 ms; an alarm that wakes early is armed again. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

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
  readonly #heap: HeapAlarm[] = [];
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
    return this.#heap[0]?.at;
  }

  create(ring: () => void): Alarm {
    return new HeapAlarm(this, ring);
  }

  stop(): void {
    this.#stopped = true;
    this.#disarm?.();
    this.#heap.length = 0;
  }

  moved(alarm: HeapAlarm): void {
    if (alarm.index >= 0) this.#remove(alarm);
    if (alarm.at !== undefined) {
      alarm.index = this.#heap.length;
      this.#heap.push(alarm);
      this.#up(alarm.index);
    }
    this.#arm();
  }

  #arm(): void {
    const first = this.#heap[0]?.at;
    if (this.#stopped || first === undefined || first >= this.#armedAt) return;
    this.#disarm?.();
    this.#armedAt = first;
    this.#disarm = this.#clock.setTimer(first, () => this.#wake());
  }

  #wake(): void {
    this.#disarm = undefined;
    this.#armedAt = Number.POSITIVE_INFINITY;
    const now = this.now();
    for (let first = this.#heap[0]; first?.at !== undefined && first.at <= now; first = this.#heap[0]) {
      first.at = undefined;
      this.#remove(first);
      this.onRing();
      first.ring();
    }
    this.#arm();
  }

  #remove(alarm: HeapAlarm): void {
    const last = this.#heap.pop();
    if (last && last !== alarm) {
      last.index = alarm.index;
      this.#heap[last.index] = last;
      this.#up(last.index);
      this.#down(last.index);
    }
    alarm.index = -1;
  }

  #up(start: number): void {
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (this.#key(parent) <= this.#key(index)) return;
      this.#swap(index, parent);
      index = parent;
    }
  }

  #down(start: number): void {
    let index = start;
    for (;;) {
      let least = index;
      for (const child of [2 * index + 1, 2 * index + 2]) {
        if (child < this.#heap.length && this.#key(child) < this.#key(least)) least = child;
      }
      if (least === index) return;
      this.#swap(index, least);
      index = least;
    }
  }

  #key(index: number): number {
    return this.#heap[index]?.at ?? Number.POSITIVE_INFINITY;
  }

  #swap(a: number, b: number): void {
    const first = this.#heap[a];
    const second = this.#heap[b];
    if (!first || !second) return;
    this.#heap[a] = second;
    this.#heap[b] = first;
    second.index = a;
    first.index = b;
  }
}

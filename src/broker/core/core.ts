import type { Alarms } from '../clock.ts';
import { Envelope } from '../codec/envelope.ts';
import type { Store } from '../store/store.ts';
import { Bodies } from './bodies.ts';
import { type Change, Committer } from './committer.ts';
import { Counters } from './counters.ts';
import type { Limits } from './limits.ts';
import type { StoredMessage } from './records.ts';
import type { Throttle } from './throttle.ts';

/** What every entity shares: the store behind its group commit, the alarms, the bodies, the counters. */
export class Core {
  readonly store: Store;
  readonly alarms: Alarms;
  readonly committer: Committer;
  readonly bodies: Bodies;
  readonly counters = new Counters();
  readonly limits: Limits;
  /** Undefined = not throttled. */
  throttle: Throttle | undefined;
  #lastMicros = 0;

  constructor(store: Store, alarms: Alarms, limits: Limits, failed: (error: unknown) => void) {
    this.store = store;
    this.alarms = alarms;
    this.limits = limits;
    this.committer = new Committer(store, failed);
    this.bodies = new Bodies(store);
  }

  commit(change: Change): void {
    this.committer.add(change);
  }

  envelopeOf(message: StoredMessage): Envelope {
    return new Envelope(this.bodies.of(message));
  }

  /** House-keeping that nobody waits for. */
  write(work: (store: Store) => void): void {
    this.committer.add({ write: work, applied: () => {}, refused: () => {}, frees: true });
  }

  /** The time in microseconds, never the same twice. */
  uniqueMicros(): number {
    this.#lastMicros = Math.max(this.#lastMicros + 1, this.alarms.now() * 1000);
    return this.#lastMicros;
  }

  seenMicros(value: number): void {
    this.#lastMicros = Math.max(this.#lastMicros, value);
  }
}

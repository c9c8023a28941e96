// What every entity shares: the store behind its group commit, the alarms, the bodies, the counters.
import type { Alarm, Alarms } from '../clock.ts';
import { Envelope } from '../codec/envelope.ts';
import { FaultPort } from '../control/fault-port.ts';
import type { HandOuts } from '../store/hand-outs.ts';
import type { Store } from '../store/store.ts';
import { Bodies } from './bodies.ts';
import { type Change, Committer } from './committer.ts';
import { Counters } from './counters.ts';
import type { Limits } from './limits.ts';
import { Pulse } from './pulse.ts';
import type { StoredMessage } from './records.ts';
import type { Throttle } from './throttle.ts';

/** Between two looks whether a full disk has room again. */
const ROOM_AGAIN_MS = 1_000;

/** What every entity shares: the store behind its group commit, the alarms, the bodies, the counters. */
export class Core {
  readonly store: Store;
  readonly alarms: Alarms;
  /** The time of those who wait at a socket: it runs while that of messages stands still, under a virtual clock. */
  readonly clientAlarms: Alarms;
  readonly committer: Committer;
  readonly bodies: Bodies;
  readonly counters = new Counters();
  readonly faults = new FaultPort();
  readonly limits: Limits;
  readonly pulse: Pulse;
  /** Undefined = not throttled. */
  throttle: Throttle | undefined;
  /** Undefined where nothing survives the process. */
  handOuts: HandOuts | undefined;
  #lastMicros = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #room: Alarm;

  constructor(
    store: Store,
    alarms: Alarms,
    limits: Limits,
    failed: (error: unknown) => void,
    clientAlarms: Alarms = alarms,
    pulse = new Pulse(),
  ) {
    this.pulse = pulse;
    this.store = store;
    this.alarms = alarms;
    this.clientAlarms = clientAlarms;
    this.limits = limits;
    this.committer = new Committer(store, failed, undefined, pulse);
    this.bodies = new Bodies(store);
    this.#room = alarms.create(() => {
      for (const work of this.#waiting.splice(0)) work();
    });
  }

  /** What the broker does by itself, and a full disk has refused: nobody would ask for it again. */
  whenThereIsRoom(work: () => void): void {
    this.#waiting.push(work);
    if (this.#waiting.length === 1) this.#room.set(this.alarms.now() + ROOM_AGAIN_MS);
  }

  commit(change: Change): void {
    this.committer.add(change);
  }

  envelopeOf(message: StoredMessage): Envelope {
    return new Envelope(this.bodies.of(message));
  }

  /** Under a virtual clock the lock of a live holder does not run out. */
  get locksStand(): boolean {
    return this.clientAlarms !== this.alarms;
  }

  /** An instant of messages as clients reckon it: they look at their own clock. */
  onClients(at: number): number {
    return this.locksStand ? at - this.alarms.now() + this.clientAlarms.now() : at;
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

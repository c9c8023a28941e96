// What every entity shares: the store behind its group commit, the alarms, the bodies, the counters, and sequence numbers.
import type { Alarm, Alarms } from '../clock.ts';
import { Envelope } from '../codec/envelope.ts';
import { FaultPort } from '../control/fault-port.ts';
import type { HandOuts } from '../store/hand-outs.ts';
import type { Store } from '../store/store.ts';
import { type Change, Committer } from './committer.ts';
import type { Limits, Throttle } from './limits.ts';
import { Pulse } from './pulse.ts';
import type { StoredMessage } from './records.ts';

/** What happened since the start, by name; tests and the status command read it. */
class Counters {
  readonly #counts = new Map<string, number>();

  add(name: string, by = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + by);
  }

  toRecord(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }
}

// The bytes of messages: on disk, and of those that are soon to be delivered in memory, too.

const CACHE_BYTES = 32 * 1024 * 1024;
/** Many leave at once: each look for the oldest steps over all that have left before. */
const CACHE_KEPT_BYTES = 24 * 1024 * 1024;

class Bodies {
  readonly #store: Store;
  /** Those with bytes in memory, the longest there first. */
  readonly #recent = new Set<StoredMessage>();
  #recentBytes = 0;
  #lastShared: number;

  constructor(store: Store) {
    this.#store = store;
    this.#lastShared = store.lastBody();
  }

  /** A number for a body that several messages share. */
  nextShared(): number {
    this.#lastShared += 1;
    return this.#lastShared;
  }

  of(message: StoredMessage): Buffer {
    const bytes = message.bytes ?? this.#store.bytes(message.entity, message.seq, message.shared);
    if (!bytes) throw new Error(`the bytes of message ${message.seq} are missing from the store`);
    return bytes;
  }

  remember(message: StoredMessage, bytes: Buffer): void {
    this.forget(message);
    message.bytes = bytes;
    this.#recent.add(message);
    this.#recentBytes += bytes.length;
    if (this.#recentBytes <= CACHE_BYTES) return;
    for (const oldest of this.#recent) {
      if (this.#recentBytes <= CACHE_KEPT_BYTES) return;
      this.forget(oldest);
    }
  }

  forget(message: StoredMessage): void {
    if (!message.bytes) return;
    this.#recentBytes -= message.bytes.length;
    message.bytes = undefined;
    this.#recent.delete(message);
  }
}

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

/** Numbers are promised to the store in blocks, so that a restart never hands one out twice. */
const BLOCK = 1000;

export class Sequence {
  readonly #core: Core;
  readonly #entity: number;
  #next: number;
  #ceiling: number;

  constructor(core: Core, entity: number, ceiling: number) {
    this.#core = core;
    this.#entity = entity;
    this.#next = Math.max(ceiling, 1);
    this.#ceiling = this.#next;
  }

  take(): number {
    if (this.#next >= this.#ceiling) {
      this.#ceiling += BLOCK;
      const ceiling = this.#ceiling;
      this.#core.write((store) => store.setCeiling(this.#entity, ceiling));
    }
    const seq = this.#next;
    this.#next += 1;
    return seq;
  }
}

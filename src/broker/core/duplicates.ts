import type { Store } from '../store/store.ts';
import type { Core } from './core.ts';

const PURGE_INTERVAL_MS = 60_000;

/** The message ids an entity has seen within its window, counted from the first sight; survives a restart. */
export class DuplicateWindow {
  readonly #core: Core;
  readonly #entity: number;
  windowMs: number;
  /** Id to the instant it was seen in microseconds, oldest first. */
  readonly #seen = new Map<string, number>();
  #lastPurge = 0;

  constructor(core: Core, entity: number, windowMs: number) {
    this.#core = core;
    this.#entity = entity;
    this.windowMs = windowMs;
  }

  restore(id: string, seenAt: number): void {
    this.#seen.set(id, seenAt);
  }

  has(id: string): boolean {
    this.#purge();
    return this.#seen.has(id);
  }

  /** Takes the id at once; the returned function makes it durable with the message. */
  add(id: string): (store: Store) => void {
    const seenAt = this.#core.uniqueMicros();
    this.#seen.set(id, seenAt);
    return (store) => store.insertDuplicate(this.#entity, seenAt, id);
  }

  remove(id: string): void {
    this.#seen.delete(id);
  }

  #purge(): void {
    const now = this.#core.alarms.now();
    const upTo = (now - this.windowMs) * 1000;
    let purged = false;
    for (const [id, seenAt] of this.#seen) {
      if (seenAt > upTo) break;
      this.#seen.delete(id);
      purged = true;
    }
    if (!purged || now - this.#lastPurge < PURGE_INTERVAL_MS) return;
    this.#lastPurge = now;
    this.#core.write((store) => store.purgeDuplicates(this.#entity, upTo));
  }
}

/** Duplicate detection of one entity: the message ids that it has seen within its window. */
import type { Core } from './core.ts';
import type { Entry } from './placing.ts';
import { SeenIds } from './seen-ids.ts';

const PURGE_INTERVAL_MS = 1000;
const MICROS = 1000;

/** The message ids an entity has seen within its window, counted from the first sight; survives a restart. */
export class DuplicateWindow {
  readonly #core: Core;
  readonly #entity: number;
  windowMs: number;
  /** Taken, and not yet on disk. */
  readonly #taken = new Set<string>();
  readonly #seen = new SeenIds();
  #lastPurge = 0;

  constructor(core: Core, entity: number, windowMs: number) {
    this.#core = core;
    this.#entity = entity;
    this.windowMs = windowMs;
  }

  restore(): void {
    this.purge();
    for (const { seenAt, id } of this.#core.store.duplicates(this.#entity, this.#end)) {
      this.#core.seenMicros(seenAt);
      this.#seen.add(id, seenAt, this.windowMs * MICROS);
    }
  }

  has(id: string): boolean {
    if (this.#taken.has(id)) return true;
    this.purge();
    const { store } = this.#core;
    return this.#seen.has(id, this.#end, (seenAt) => store.duplicate(this.#entity, seenAt) === id);
  }

  /** Takes the id at once and makes it durable with the message. */
  add(id: string): Entry {
    const seenAt = this.#core.uniqueMicros();
    this.#taken.add(id);
    return {
      write: (store) => store.insertDuplicate(this.#entity, seenAt, id),
      applied: () => {
        this.#taken.delete(id);
        this.#seen.add(id, seenAt, this.windowMs * MICROS);
      },
    };
  }

  /** It was taken in vain. */
  remove(id: string): void {
    this.#taken.delete(id);
  }

  /** What was seen up to then, in microseconds, counts no more. */
  get #end(): number {
    return (this.#core.alarms.now() - this.windowMs) * MICROS;
  }

  /** What was seen before the window is forgotten. */
  purge(): void {
    const now = this.#core.alarms.now();
    const end = this.#end;
    if (now - this.#lastPurge < PURGE_INTERVAL_MS) return;
    if (this.#lastPurge > 0 && (this.#seen.oldest ?? Number.POSITIVE_INFINITY) > end) return;
    this.#lastPurge = now;
    this.#seen.dropUpTo(end);
    this.#core.write((store) => store.purgeDuplicates(this.#entity, end));
  }
}

// Duplicate detection of one entity: the message ids that it has seen within its window.
import type { Core } from './core.ts';
import type { Entry } from './placing.ts';

const SLICES = 8;
const FIRST_PLACES = 64;
const FULLEST = 0.7;

/**
 * Which ids were seen when, without the ids: hashes in typed arrays, 12 bytes a place instead of some 115 for a text in a
 * Map, in slices of time that are dropped whole. A match is compared with the id on disk, because hashes can be alike.
 */
export class SeenIds {
  /** Oldest first. */
  readonly #slices: Slice[] = [];

  get oldest(): number | undefined {
    return this.#slices[0]?.from;
  }

  /** Instants only ever grow; ids are kept for `lasting`, in the same unit. */
  add(id: string, seenAt: number, lasting: number): void {
    let last = this.#slices.at(-1);
    if (!last || seenAt - last.from > lasting / SLICES) {
      last = new Slice(seenAt);
      this.#slices.push(last);
    }
    last.add(hashOf(id), seenAt);
  }

  /** Whether it was seen after an instant; `same` tells of each instant at which something like it was. */
  has(id: string, after: number, same: (seenAt: number) => boolean): boolean {
    const hash = hashOf(id);
    return this.#slices.some((slice) => slice.upTo > after && slice.has(hash, after, same));
  }

  dropUpTo(instant: number): void {
    while (this.#slices[0] && this.#slices[0].upTo <= instant) this.#slices.shift();
  }
}

/** A hash table that only grows. */
class Slice {
  readonly from: number;
  upTo: number;
  #count = 0;
  /** 0 = nothing is there. */
  #hashes = new Uint32Array(FIRST_PLACES);
  #seen = new Float64Array(FIRST_PLACES);

  constructor(from: number) {
    this.from = from;
    this.upTo = from;
  }

  add(hash: number, seenAt: number): void {
    if (this.#count >= this.#hashes.length * FULLEST) this.#grow();
    this.#put(hash, seenAt);
    this.#count += 1;
    this.upTo = seenAt;
  }

  has(hash: number, after: number, same: (seenAt: number) => boolean): boolean {
    const mask = this.#hashes.length - 1;
    for (let at = hash & mask; this.#hashes[at] !== 0; at = (at + 1) & mask) {
      const seenAt = this.#seen[at] ?? 0;
      if (this.#hashes[at] === hash && seenAt > after && same(seenAt)) return true;
    }
    return false;
  }

  #put(hash: number, seenAt: number): void {
    const mask = this.#hashes.length - 1;
    let at = hash & mask;
    while (this.#hashes[at] !== 0) at = (at + 1) & mask;
    this.#hashes[at] = hash;
    this.#seen[at] = seenAt;
  }

  #grow(): void {
    const [hashes, seen] = [this.#hashes, this.#seen];
    this.#hashes = new Uint32Array(hashes.length * 2);
    this.#seen = new Float64Array(hashes.length * 2);
    for (const [at, hash] of hashes.entries()) if (hash !== 0) this.#put(hash, seen[at] ?? 0);
  }
}

/** FNV-1a with a last stir, because the low bits choose the place; never 0. */
function hashOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < id.length; at += 1) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return (hash ^ (hash >>> 13)) >>> 0 || 1;
}

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

  /** Forgets an id that was taken and not used. */
  remove(id: string): void {
    this.#taken.delete(id);
  }

  /** Until this instant, in microseconds, ids do not count any more. */
  get #end(): number {
    return (this.#core.alarms.now() - this.windowMs) * MICROS;
  }

  /** Forgets ids that were seen before the window. */
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

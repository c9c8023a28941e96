/**
 * Which ids were seen when, without the ids: hashes in typed arrays, 12 bytes a place instead of some 115 for a text in a
 * Map, in slices of time that are dropped whole. A match is compared with the id on disk, because hashes can be alike.
 */
const SLICES = 8;
const FIRST_PLACES = 64;
const FULLEST = 0.7;

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

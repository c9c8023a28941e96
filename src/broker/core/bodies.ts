import type { Store } from '../store/store.ts';
import type { StoredMessage } from './records.ts';

const CACHE_BYTES = 32 * 1024 * 1024;

/** The bytes of messages: on disk under a number, the recent ones in memory, shared ones counted. */
export class Bodies {
  readonly #store: Store;
  readonly #recent = new Map<number, Buffer>();
  readonly #owners = new Map<number, number>();
  #recentBytes = 0;
  #last: number;

  constructor(store: Store) {
    this.#store = store;
    this.#last = store.lastBody();
  }

  next(): number {
    this.#last += 1;
    return this.#last;
  }

  of(message: StoredMessage): Buffer {
    const bytes = this.#recent.get(message.body) ?? this.#store.body(message.body);
    if (!bytes)
      throw new Error(`the body ${message.body} of message ${message.seq} is missing from the store`);
    return bytes;
  }

  remember(id: number, bytes: Buffer): void {
    this.#recent.set(id, bytes);
    this.#recentBytes += bytes.length;
    if (this.#recentBytes <= CACHE_BYTES) return;
    for (const oldest of this.#recent.keys()) {
      if (this.#recentBytes <= CACHE_BYTES) return;
      this.forget(oldest);
    }
  }

  forget(id: number): void {
    const bytes = this.#recent.get(id);
    if (!bytes) return;
    this.#recent.delete(id);
    this.#recentBytes -= bytes.length;
  }

  addOwner(id: number): void {
    this.#owners.set(id, (this.#owners.get(id) ?? 0) + 1);
  }

  /** True when the last owner of a shared body has left and its bytes can go. */
  removeOwner(id: number): boolean {
    const left = (this.#owners.get(id) ?? 1) - 1;
    if (left > 0) this.#owners.set(id, left);
    else this.#owners.delete(id);
    return left === 0;
  }
}

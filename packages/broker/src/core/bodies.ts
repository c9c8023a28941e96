/** The bytes of messages: on disk, and of those that are soon to be delivered in memory, too. */
import type { Store } from '../store/store.ts';
import type { StoredMessage } from './records.ts';

const CACHE_BYTES = 32 * 1024 * 1024;
/** Many leave at once: each look for the oldest steps over all that have left before. */
const CACHE_KEPT_BYTES = 24 * 1024 * 1024;

export class Bodies {
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

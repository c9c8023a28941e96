/** Deferred messages: on disk, and in memory only while somebody has them in hand. */
import type { Core } from './core.ts';
import { DEFERRED, StoredMessage } from './records.ts';
import type { SessionDelivery } from './session-delivery.ts';

export class Deferred {
  readonly #core: Core;
  readonly #entity: number;
  readonly #sessions: SessionDelivery | undefined;
  readonly #inHand = new Set<number>();
  size = 0;

  constructor(core: Core, entity: number, sessions: SessionDelivery | undefined) {
    this.#core = core;
    this.#entity = entity;
    this.#sessions = sessions;
  }

  /** Undefined if no message has this number, or somebody has it. */
  find(seq: number, sessionId: string | undefined): StoredMessage | undefined {
    if (this.#inHand.has(seq)) return undefined;
    const row = this.#core.store.message(this.#entity, seq);
    if (row?.state !== DEFERRED || (row.session ?? undefined) !== sessionId) return undefined;
    const session = row.session === null ? undefined : this.#sessions?.ensure(row.session);
    return StoredMessage.of(row, session);
  }

  take(message: StoredMessage): void {
    message.place = 'held';
    this.#inHand.add(message.seq);
    this.#sessions?.entered(message);
  }

  entered(message: StoredMessage): void {
    message.place = 'parked';
    this.#inHand.delete(message.seq);
    this.size += 1;
  }

  left(message: StoredMessage): void {
    this.#inHand.delete(message.seq);
    this.size -= 1;
  }
}

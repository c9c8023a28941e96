/**
 * Locks under a virtual clock. Time is skipped only while no live link has a message in hand, so of those that live
 * only sessions are carried along; the lock of a message runs out once its link is gone.
 */
import type { PlainDelivery } from '../core/plain-delivery.ts';
import type { SessionDelivery } from '../core/session-delivery.ts';

interface Source {
  readonly plain: PlainDelivery | undefined;
  readonly sessions: SessionDelivery | undefined;
}

export class CarriedLocks {
  readonly #sources: () => Iterable<Source>;

  constructor(sources: () => Iterable<Source>) {
    this.#sources = sources;
  }

  /** Time stands still between skips, so it is soon enough to look for abandoned locks before the next. */
  letAbandonedRun(): void {
    for (const { plain } of this.#sources()) for (const lock of plain?.locks ?? []) plain?.watch(lock);
  }

  carry(ms: number): void {
    for (const { sessions } of this.#sources()) for (const hold of sessions?.holds ?? []) hold.until += ms;
  }
}

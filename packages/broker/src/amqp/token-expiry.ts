/** The tokens of a connection run out: the service closes the links that no token is left for. */
import type { Claims } from './cbs.ts';

/** Node's timers know no longer wait. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export class TokenExpiry {
  readonly #claims: Claims;
  readonly #expired: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(claims: Claims, expired: () => void) {
    this.#claims = claims;
    this.#expired = expired;
  }

  /** In real time, which tokens carry. */
  await(): void {
    this.stop();
    const at = this.#claims.nextExpiry;
    if (at === undefined) return;
    const waitMs = Math.min(Math.max(at - Date.now(), 0) + 1, MAX_TIMER_MS);
    this.#timer = setTimeout(() => this.#ring(), waitMs).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #ring(): void {
    this.#claims.review();
    this.#expired();
    this.await();
  }
}

// Watches how a process keeps up with what it holds, and says how much it takes on. One for all pumps of a process: they
// share its event loop. While nothing is held no timer runs.
import type { Logger } from '../contract/ports.ts';
import { allowedOf, NEAR, nextShare, SLOW, WINDOWS_PER_LOCK } from './load-control.ts';
import type { TimeSource } from './time.ts';

export interface LoadOptions {
  readonly lockDurationMs: number;
  readonly time: TimeSource;
  readonly logger: Logger;
}

/** Looks at the event loop this often in a window. */
const LOOKS = 5;

export class Load {
  readonly #options: LoadOptions;
  readonly #listeners = new Set<() => void>();
  readonly #lookMs: number;
  #share = 1;
  #held = 0;
  #timer: NodeJS.Timeout | undefined;
  #looks = 0;
  #expectedMs = 0;
  #restingSinceMs = 0;
  #lagMs = 0;
  #lastLagMs = 0;
  #lost = 0;
  #near = 0;
  #served = 0;
  #slow = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#lookMs = options.lockDurationMs / WINDOWS_PER_LOCK / LOOKS;
  }

  /** Of so many at once, how many now. */
  allowed(most: number): number {
    return allowedOf(most, this.#share);
  }

  /** How late the event loop is at worst: what is planned comes so much later. */
  get lagMs(): number {
    return Math.max(this.#lagMs, this.#lastLagMs);
  }

  /** Called when more or less is allowed. Gives what ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A lock is held from here on. */
  take(): void {
    this.#held += 1;
    if (this.#timer !== undefined) return;
    const now = this.#now();
    // While nothing was held nothing was too much.
    const windows = (now - this.#restingSinceMs) / (this.#lookMs * LOOKS);
    for (let quiet = 0; quiet < windows && this.#share < 1; quiet++) this.#judge();
    this.#expectedMs = now + this.#lookMs;
    this.#timer = setInterval(() => this.#look(), this.#lookMs);
    this.#timer.unref();
  }

  release(): void {
    this.#held -= 1;
    if (this.#held > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#restingSinceMs = this.#now();
  }

  /** A lock is gone that should have been renewed. */
  lost(): void {
    this.#lost += 1;
  }

  /** A lock was renewed when this part of it was left. */
  renewed(left: number): void {
    if (left < NEAR) this.#near += 1;
  }

  /** What was received together is done. */
  served(ms: number): void {
    this.#served += 1;
    if (ms > this.#options.lockDurationMs * SLOW) this.#slow += 1;
  }

  #now(): number {
    return this.#options.time.instant().monotonicMs;
  }

  #look(): void {
    const now = this.#now();
    this.#lagMs = Math.max(this.#lagMs, now - this.#expectedMs);
    this.#expectedMs = now + this.#lookMs;
    this.#looks += 1;
    if (this.#looks < LOOKS && this.#lost === 0) return;
    this.#looks = 0;
    this.#judge();
  }

  #judge(): void {
    const before = this.#share;
    const seen = {
      lost: this.#lost,
      near: this.#near,
      served: this.#served,
      slow: this.#slow,
      lagMs: this.#lagMs,
    };
    this.#share = nextShare(before, seen, this.#options.lockDurationMs);
    this.#lastLagMs = this.#lagMs;
    this.#lost = this.#near = this.#served = this.#slow = this.#lagMs = 0;
    if (this.#share === before) return;
    if (before === 1)
      this.#options.logger.warn('takes less on: it cannot keep up with its locks', {
        share: this.#share,
        ...seen,
      });
    else if (this.#share === 1) this.#options.logger.info('takes as much on as it may again');
    for (const listener of this.#listeners) listener();
  }
}

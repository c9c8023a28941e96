// Watches how a process keeps up with what it holds, and says how much it takes on. One for all pumps of a process: they
// share its event loop. While nothing is held no timer runs.
import type { Logger } from '../../contract/ports.ts';
import type { TimeSource } from '../time/clocks.ts';
import {
  allowedOf,
  differs,
  grown,
  IN_TIME,
  NEAR,
  nextShare,
  type Share,
  SLOW,
  UNPROVEN,
  WHOLE,
  WINDOWS_PER_LOCK,
} from './load-control.ts';

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
  #sessions: Share = UNPROVEN;
  #tasks: Share = WHOLE;
  /** It has been said that less is taken on. */
  #less = false;
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

  /** Of so many sessions at once, how many now. */
  sessions(most: number): number {
    return allowedOf(most, this.#sessions.now);
  }

  /** Of so many tasks at once, how many now. */
  tasks(most: number): number {
    return allowedOf(most, this.#tasks.now);
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
    // What was too much so long ago says nothing of now.
    if (now - this.#restingSinceMs > this.#options.lockDurationMs)
      this.#become({ ...UNPROVEN, now: Math.max(UNPROVEN.now, this.#sessions.now) }, WHOLE);
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
    const { lockDurationMs } = this.#options;
    this.#served += 1;
    if (ms > lockDurationMs * SLOW) this.#slow += 1;
    if (ms <= lockDurationMs * IN_TIME) this.#become(grown(this.#sessions), this.#tasks);
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
    const seen = {
      lost: this.#lost,
      near: this.#near,
      served: this.#served,
      slow: this.#slow,
      lagMs: this.#lagMs,
    };
    this.#lastLagMs = this.#lagMs;
    this.#lost = this.#near = this.#served = this.#slow = this.#lagMs = 0;
    const { logger, lockDurationMs } = this.#options;
    const sessions = nextShare(this.#sessions, seen, lockDurationMs);
    const tasks = nextShare(this.#tasks, seen, lockDurationMs);
    if (tasks.now < this.#tasks.now && !this.#less) {
      this.#less = true;
      logger.warn('takes less on: it cannot keep up with its locks', { share: sessions.now, ...seen });
    } else if (tasks.now === 1 && this.#less) {
      this.#less = false;
      logger.info('takes as much on as it may again');
    }
    this.#become(sessions, tasks);
  }

  #become(sessions: Share, tasks: Share): void {
    const changed = differs(sessions.now, this.#sessions.now) || differs(tasks.now, this.#tasks.now);
    this.#sessions = sessions;
    this.#tasks = tasks;
    if (changed) for (const listener of this.#listeners) listener();
  }
}

/**
 * Cleans the file of a broker also while it rests: removes ids whose window is over, which would otherwise wait for the next
 * send to their entity, and then gives back free room.
 */
import type { Store } from '../store/store.ts';
import type { Committer } from './committer.ts';
import type { DuplicateWindow } from './duplicates.ts';

const EVERY_MS = 10_000;
/** A file that is filled and drained over and over is not copied each time. */
const BETWEEN_SHRINKS_MS = 60_000;

export interface HouseholdParts {
  readonly store: Pick<Store, 'shrink'>;
  readonly committer: Pick<Committer, 'commits' | 'idle'>;
  readonly windows: () => Iterable<Pick<DuplicateWindow, 'purge'>>;
}

export class Housekeeping {
  readonly #parts: HouseholdParts;
  readonly #now: () => number;
  #commits = -1;
  #shrunkAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: HouseholdParts, now: () => number = () => performance.now()) {
    this.#parts = parts;
    this.#now = now;
  }

  /** In real time, whatever clock messages have: it keeps no process alive and rings for nobody. */
  start(): void {
    this.#timer = setInterval(() => this.look(), EVERY_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  look(): void {
    const { store, committer, windows } = this.#parts;
    for (const window of windows()) window.purge();
    const rests = committer.idle && committer.commits === this.#commits;
    this.#commits = committer.commits;
    if (!rests || this.#now() - this.#shrunkAt < BETWEEN_SHRINKS_MS) return;
    try {
      if (store.shrink()) this.#shrunkAt = this.#now();
    } catch {
      // The file is as it was. A disk that fails says so at the next commit.
    }
  }
}

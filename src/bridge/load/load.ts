// How much a process takes on: watches how it keeps up with what it holds. One for all pumps of a process: they share its event
// loop. While nothing is held no timer runs.
import type { Logger } from '../../contract/ports.ts';
import type { TimeSource } from '../time/clocks.ts';

// How much of what it may hold at once a process takes on. Pure, and TCP's way: what is unproven begins small and doubles with
// each round that went well, up to where it went wrong the last time; beyond that it grows slowly; trouble halves it. Locks that
// ran out, or nearly, and batches that took a good part of a lock are trouble; a late event loop says that more would be.

/** What was seen in one window. */
export interface Observed {
  /** Locks that were lost because their time was over. */
  readonly lost: number;
  /** Renewals that came with hardly anything of the lock left. */
  readonly near: number;
  /** Batches of messages, from received to committed, and those that took a good part of a lock. */
  readonly served: number;
  readonly slow: number;
  /** How late the event loop was, at worst. */
  readonly lagMs: number;
}

/** Parts of all that may be held, above 0 and at most 1. */
export interface Share {
  readonly now: number;
  /** TCP's slow-start threshold: half of what was held when it last was too much. Below it growth is quick. */
  readonly threshold: number;
}

const WINDOWS_PER_LOCK = 10;
/** Part of a lock. Less left at a renewal is nearly lost; a batch that takes more is slow. */
const NEAR = 0.2;
const SLOW = 0.25;
/** A batch that took less was in time, and shows that more can be taken on. */
const IN_TIME = 0.5;
const CUT = 0.5;
/** What a quiet window adds. Tasks run for minutes, and some sessions wait: nothing but time can say that they go well. */
const STEP = 0.04;
/** One of the 64 sessions of a type, by default: what a batch that went well adds. */
const GRAIN = 1 / 64;
/** A lag by itself may be the neighbours' work: holding even less would not end it. */
const LEAST_BY_LAG = 0.125;
/** Parts of a lock: beyond the first nothing is added, beyond the second some is given up. */
const LAG_HOLD = 0.05;
const LAG_CUT = 0.15;
/** A few slow batches may be slow machines. */
const FEW = 4;
/** One of the 2,000 sessions that can be configured. */
const LEAST_SHARE = 1 / 2_000;

/**
 * Share of a process that has just started: it is as cold as it will ever be, and may have been restarted because of its
 * load.
 */
export const UNPROVEN: Share = { now: 1 / 8, threshold: 1 };
export const WHOLE: Share = { now: 1, threshold: 1 };

/** After a window of time. */
export function nextShare(share: Share, seen: Observed, lockMs: number): Share {
  const { now } = share;
  const isSlow = seen.slow >= FEW && seen.slow * 2 >= seen.served;
  if (seen.lost > 0 || seen.near > 0 || isSlow) return cut(now, LEAST_SHARE);
  if (seen.lagMs > lockMs * LAG_CUT) return now > LEAST_BY_LAG ? cut(now, LEAST_BY_LAG) : share;
  return seen.lagMs > lockMs * LAG_HOLD ? share : { ...share, now: Math.min(1, now + STEP) };
}

function cut(now: number, least: number): Share {
  const less = Math.max(least, now * CUT);
  return { now: less, threshold: less };
}

/** The share of sessions after a batch that was in time, whatever the event loop does. */
export function grown(share: Share): Share {
  const { now, threshold } = share;
  if (now === 1) return share;
  const more = now < threshold ? GRAIN : Math.min(GRAIN, (GRAIN * GRAIN) / now);
  return { now: Math.min(1, now + more), threshold };
}

/** Whether anybody has to look whether more or less is allowed. */
function differs(one: number, other: number): boolean {
  return Math.floor(one / GRAIN) !== Math.floor(other / GRAIN);
}

export function allowedOf(most: number, share: number): number {
  return Math.max(1, Math.floor(most * share));
}

interface LoadOptions {
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

  /** How many sessions of `most` may be held now. */
  sessions(most: number): number {
    return allowedOf(most, this.#sessions.now);
  }

  /** How many tasks of `most` may run now. */
  tasks(most: number): number {
    return allowedOf(most, this.#tasks.now);
  }

  get share(): { readonly sessions: number; readonly tasks: number } {
    return { sessions: this.#sessions.now, tasks: this.#tasks.now };
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

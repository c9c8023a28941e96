// The locks of the messages that a task pump has in hand, renewed for as long as a task runs. One timer for all.
import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import { isLockLost } from '../connection/sdk-errors.ts';
import type { Load } from '../load/load.ts';
import type { TimeSource } from '../time/clocks.ts';
import { type Lease, observeLock, remainingMs, renewInMs } from '../time/lease.ts';

export interface TaskLock {
  /** Aborts when the lock is gone: whatever the task does from here on, others may do too. */
  readonly lost: AbortSignal;
  /** Goes by the clock and not by the last look: it is asked before a task that waited is begun. */
  isHeld(): boolean;
  release(): void;
  /** Nobody settles this message: when its lock has run out, `onExpired` is called instead of a renewal. */
  leave(onExpired: () => void): void;
}

export interface TaskLocksOptions {
  readonly lockDurationMs: number;
  readonly time: TimeSource;
  readonly load?: Load | undefined;
  readonly renew: (raw: ServiceBusReceivedMessage) => Promise<Date>;
}

interface Entry {
  readonly raw: ServiceBusReceivedMessage;
  readonly lost: AbortController;
  lease: Lease;
  renewing: boolean;
  onExpired?: () => void;
}

/** Looks at every lock this often in a lock's duration; a lock is renewed at half of it. */
const LOOKS_PER_LOCK = 8;

export class TaskLocks {
  readonly #options: TaskLocksOptions;
  readonly #entries = new Set<Entry>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: TaskLocksOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), options.lockDurationMs / LOOKS_PER_LOCK);
    this.#timer.unref();
  }

  add(raw: ServiceBusReceivedMessage): TaskLock {
    const now = this.#options.time.instant();
    const lockedUntilMs = raw.lockedUntilUtc?.getTime() ?? now.wallMs;
    const { durationMs, clockAhead } = observeLock(this.#options.lockDurationMs, lockedUntilMs, now.wallMs);
    const entry: Entry = {
      raw,
      lost: new AbortController(),
      lease: { sentAt: now, durationMs },
      renewing: false,
    };
    this.#entries.add(entry);
    this.#options.load?.take();
    // Nobody knows how much of the lock is left: a renewal tells.
    if (clockAhead && raw.lockedUntilUtc !== undefined) void this.#renew(entry);
    return {
      lost: entry.lost.signal,
      isHeld: () => {
        if (remainingMs(entry.lease, this.#options.time.instant()) <= 0) this.#end(entry);
        return !entry.lost.signal.aborted;
      },
      release: () => this.#drop(entry),
      leave: (onExpired) => {
        entry.onExpired = onExpired;
      },
    };
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const entry of this.#entries) this.#drop(entry);
  }

  #look(): void {
    const now = this.#options.time.instant();
    for (const entry of this.#entries) {
      if (remainingMs(entry.lease, now) <= 0) this.#end(entry);
      else if (entry.onExpired === undefined && !entry.renewing && renewInMs(entry.lease, now) === 0) {
        void this.#renew(entry);
      }
    }
  }

  /** A failed renewal is tried again at the next look, until the lease is over. */
  async #renew(entry: Entry): Promise<void> {
    const sentAt = this.#options.time.instant();
    entry.renewing = true;
    try {
      const lockedUntil = await this.#options.renew(entry.raw);
      const { durationMs } = observeLock(this.#options.lockDurationMs, lockedUntil.getTime(), sentAt.wallMs);
      const left = remainingMs(entry.lease, this.#options.time.instant());
      this.#options.load?.renewed(left / entry.lease.durationMs);
      entry.lease = { sentAt, durationMs };
    } catch (thrown) {
      if (isLockLost(thrown) && this.#entries.has(entry)) this.#end(entry);
    } finally {
      entry.renewing = false;
    }
  }

  #drop(entry: Entry): boolean {
    const isHeld = this.#entries.delete(entry);
    if (isHeld) this.#options.load?.release();
    return isHeld;
  }

  #end(entry: Entry): void {
    if (!this.#drop(entry)) return;
    // One that nobody settles is left to run out.
    if (entry.onExpired === undefined) this.#options.load?.lost();
    entry.lost.abort();
    entry.onExpired?.();
  }
}

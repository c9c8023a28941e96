// Renews one session's lock for as long as it is held (I1). The SDK's own renewal ends at the first busy answer and says
// nothing.
import { isLockLost } from '../connection/sdk-errors.ts';
import type { Load } from '../load/load.ts';
import type { TimeSource } from '../time/clocks.ts';
import {
  type Lease,
  type LeasePhase,
  leasePhase,
  observeLock,
  remainingMs,
  renewInMs,
} from '../time/lease.ts';

export interface LeaseKeeperOptions {
  readonly configuredMs: number;
  /** The expiry that the service named when it granted the lock, epoch ms. */
  readonly lockedUntilMs: number;
  readonly time: TimeSource;
  /** Told how the lock is kept, and asked how late things come. */
  readonly load?: Pick<Load, 'lost' | 'renewed' | 'lagMs'> | undefined;
  /** Gives the new expiry, epoch ms; `undefined` when it did not answer within `patienceMs`. */
  readonly renew: (patienceMs: number) => Promise<number | undefined>;
  /** Called once, when the lock is gone or can no longer be counted on. */
  readonly onOver: (why: string) => void;
}

/** Parts of a lease: how long one attempt may take, and the pause after a failed one. */
const PATIENCE = 0.25;
const RETRY_PAUSE = 0.1;

export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  #lease: Lease;
  /** Whether the expiry told how much of the lock is left. Until a renewal does, nothing is written under it. */
  #proven: boolean;
  #timer: NodeJS.Timeout | undefined;
  #renewing: Promise<void> | undefined;
  #stopped = false;

  private constructor(options: LeaseKeeperOptions) {
    this.#options = options;
    const sentAt = options.time.instant();
    const { durationMs, clockAhead } = observeLock(
      options.configuredMs,
      options.lockedUntilMs,
      sentAt.wallMs,
    );
    this.#lease = { sentAt, durationMs };
    this.#proven = !clockAhead;
  }

  /** Renews first when the granted expiry says nothing: the clocks disagree, or the grant took long to get here. */
  static async start(options: LeaseKeeperOptions): Promise<LeaseKeeper> {
    const keeper = new LeaseKeeper(options);
    if (keeper.#proven) keeper.#schedule();
    else await keeper.#renew();
    return keeper;
  }

  phase(): LeasePhase {
    const phase = leasePhase(this.#lease, this.#options.time.instant());
    return phase === 'safe' && !this.#proven ? 'closing' : phase;
  }

  /** Whether a write may start now; renews if that is what it takes. */
  async isSafe(): Promise<boolean> {
    if (this.phase() === 'closing') await this.#renew();
    if (this.phase() === 'over') this.#end('the lease is over');
    return !this.#stopped && this.phase() === 'safe';
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(pauseMs = this.#pause()): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#renew(), pauseMs);
  }

  /** Earlier where timers come late: there and back again. */
  #pause(): number {
    const pause = renewInMs(this.#lease, this.#options.time.instant());
    return Math.max(pause / 2, pause - 2 * (this.#options.load?.lagMs ?? 0));
  }

  #renew(): Promise<void> {
    this.#renewing ??= this.#attempt().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async #attempt(): Promise<void> {
    if (this.#stopped) return;
    if (this.phase() === 'over') return this.#end('the lease is over');
    const sentAt = this.#options.time.instant();
    try {
      const lockedUntilMs = await this.#options.renew(this.#lease.durationMs * PATIENCE);
      if (this.#stopped) return;
      if (lockedUntilMs !== undefined) {
        const left = remainingMs(this.#lease, this.#options.time.instant());
        if (this.#proven) this.#options.load?.renewed(left / this.#lease.durationMs);
        // Granted after it was sent: whatever the clocks say, so much is sure.
        const { durationMs } = observeLock(this.#options.configuredMs, lockedUntilMs, sentAt.wallMs);
        this.#lease = { sentAt, durationMs };
        this.#proven = true;
        return this.#schedule();
      }
    } catch (thrown) {
      if (isLockLost(thrown)) return this.#end('the service says that the lock is lost');
    }
    const left = remainingMs(this.#lease, this.#options.time.instant());
    this.#schedule(Math.max(0, Math.min(left, this.#lease.durationMs * RETRY_PAUSE)));
  }

  #end(why: string): void {
    if (this.#stopped) return;
    this.stop();
    this.#options.load?.lost();
    this.#options.onOver(why);
  }
}

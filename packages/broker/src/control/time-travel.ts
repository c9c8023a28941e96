// Skips virtual time from one due entry to the next, and only while broker and clients are at rest.
import type { Alarms } from '../clock.ts';
import type { PlainDelivery } from '../core/plain-delivery.ts';
import type { SessionDelivery } from '../core/session-delivery.ts';
import { BrokerError } from '../errors.ts';
import type { AdvanceOptions } from './control.ts';
import type { Quiet } from './quiet.ts';
import type { VirtualClock } from './virtual-clock.ts';

interface Source {
  readonly plain: PlainDelivery | undefined;
  readonly sessions: SessionDelivery | undefined;
}

/**
 * Locks under a virtual clock. Time is skipped only while no live link has a message in hand, so of those that live
 * only sessions are carried along; the lock of a message runs out once its link is gone.
 */
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

/** The last day that dates of AMQP and .NET can say. */
const LATEST_AT = Date.UTC(9999, 11, 31);

export class TimeTravel {
  readonly #clock: VirtualClock;
  readonly #alarms: Alarms;
  readonly #locks: CarriedLocks;
  readonly #quiet: Quiet;
  /** One journey after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(clock: VirtualClock, alarms: Alarms, locks: CarriedLocks, quiet: Quiet) {
    this.#clock = clock;
    this.#alarms = alarms;
    this.#locks = locks;
    this.#quiet = quiet;
  }

  nextDue(): number | undefined {
    this.#locks.letAbandonedRun();
    return this.#alarms.next();
  }

  advance(ms: number, options: AdvanceOptions = {}): Promise<number> {
    const journey = this.#last.then(() => this.#travel(ms, options.patienceMs));
    this.#last = journey.catch(() => {});
    return journey;
  }

  async #travel(ms: number, patienceMs: number | undefined): Promise<number> {
    const end = this.#clock.now() + ms;
    if (!(ms >= 0 && end <= LATEST_AT)) {
      const why = `Time can be skipped forwards, at most to the end of the year 9999, not by ${ms} ms.`;
      throw new BrokerError('BROKER_FAILED', why);
    }
    for (;;) {
      await this.#quiet.reached(patienceMs);
      const due = this.nextDue();
      if (due === undefined || due > end) break;
      this.#skipTo(due);
    }
    this.#skipTo(end);
    return this.#clock.now();
  }

  #skipTo(at: number): void {
    const by = at - this.#clock.now();
    if (by > 0) this.#locks.carry(by);
    this.#clock.skipTo(at);
  }
}

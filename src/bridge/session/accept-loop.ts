// Accepts of sessions: one on a pooled client, which may be answered too late or never; and the loop that keeps them under way
// while there is room for sessions, through idle time-outs and lost connections.
import { performance } from 'node:perf_hooks';
import type { ServiceBusSessionReceiver } from '@azure/service-bus';
import type { Logger } from '../../contract/ports.ts';
import type { PooledClient } from '../connection/connection-pool.ts';
import { isConnectionTrouble, isHeldElsewhere, isNothingThere, sdkError } from '../connection/sdk-errors.ts';
import { closeInTime, createBackoff } from '../time/waiting.ts';

/** Rejects when no session came, and then has released the link. */
export async function acceptOn(
  link: PooledClient,
  accept: () => Promise<ServiceBusSessionReceiver>,
): Promise<ServiceBusSessionReceiver> {
  let accepting: Promise<ServiceBusSessionReceiver> | undefined;
  const reply = await link.watch.run(() => {
    accepting = accept();
    return accepting;
  });
  if (reply.kind === 'done') return reply.value;
  // If it is answered after all, nobody is left to hold the lock.
  if (reply.kind === 'cancelled') void accepting?.then(giveBack, () => {});
  if (reply.kind === 'cancelled' || isConnectionTrouble(reply.error)) link.retire();
  link.release();
  throw reply.kind === 'failed' ? reply.error : (reply.why ?? new Error('The connection was lost.'));
}

export function giveBack(receiver: ServiceBusSessionReceiver): Promise<void> {
  return closeInTime(receiver.close());
}

// How many accepts to have under way. Each is a long poll over its own link, so few are kept while nothing comes;
// when sessions come at once their number doubles, so that a burst is picked up in a few round trips.

const FEWEST = 1;
const AT_START = 2;
const MOST = 16;
/** An accept that took longer had to wait for a message. */
const AT_ONCE_MS = 100;

interface AcceptPace {
  /** Accepts that may be under way now. */
  readonly allowed: number;
  accepted(tookMs: number): void;
  /** A long poll ended with nothing. */
  nothingCame(): void;
}

export function createAcceptPace(): AcceptPace {
  let allowed = AT_START;
  return {
    get allowed() {
      return allowed;
    },
    accepted(tookMs) {
      if (tookMs <= AT_ONCE_MS) allowed = Math.min(MOST, allowed * 2);
    },
    nothingCame() {
      allowed = Math.max(FEWEST, allowed - 1);
    },
  };
}

interface AcceptLoopOptions<T> {
  readonly entity: string;
  readonly logger: Logger;
  /** How many more sessions may be held now, those being accepted not counted. */
  readonly room: () => number;
  /** Rejects when no session came: the SDK repeats no accept. */
  readonly accept: () => Promise<T>;
  /** Also for one that was answered after the stop. */
  readonly onAccepted: (accepted: T) => void;
}

/** A time-out that comes sooner was no long poll: the connection is in trouble. */
const SHORTEST_POLL_MS = 1_000;

export class AcceptLoop<T> {
  readonly #options: AcceptLoopOptions<T>;
  readonly #pace = createAcceptPace();
  readonly #backoff = createBackoff();
  readonly #refusals = createBackoff();
  #underWay = 0;
  #pause: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: AcceptLoopOptions<T>) {
    this.#options = options;
  }

  /** Starts as many accepts as there is room for and the pace allows. */
  fill(): void {
    if (this.#stopped || this.#pause !== undefined) return;
    while (this.#underWay < Math.min(this.#options.room(), this.#pace.allowed)) void this.#once();
  }

  /** Starts nothing for a moment: sessions are held in vain, or the connection is gone. */
  holdOff(ms = this.#backoff.next()): void {
    if (this.#stopped || this.#pause !== undefined) return;
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.fill();
    }, ms);
  }

  /** A session came that is for another host. Others are looked for at a slower pace; held sessions continue meanwhile. */
  refused(): void {
    this.#pace.nothingCame();
    this.holdOff(this.#refusals.next());
  }

  /** A session came that is for this one. */
  served(): void {
    this.#refusals.reset();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#pause);
  }

  async #once(): Promise<void> {
    this.#underWay += 1;
    const startedAt = performance.now();
    try {
      const accepted = await this.#options.accept();
      this.#underWay -= 1;
      this.#working();
      this.#pace.accepted(performance.now() - startedAt);
      this.#options.onAccepted(accepted);
    } catch (thrown) {
      this.#underWay -= 1;
      this.#failed(thrown, performance.now() - startedAt);
    }
    this.fill();
  }

  #failed(thrown: unknown, tookMs: number): void {
    if (this.#stopped) return;
    if (isNothingThere(thrown) && tookMs >= SHORTEST_POLL_MS) {
      this.#working();
      return this.#pace.nothingCame();
    }
    if (!isHeldElsewhere(thrown) && this.#backoff.failures === 0) {
      const { code, message: why } = sdkError(thrown);
      this.#options.logger.warn('accepting sessions failed', { entity: this.#options.entity, code, why });
    }
    this.holdOff();
  }

  #working(): void {
    if (this.#backoff.failures > 1) {
      this.#options.logger.info('accepting sessions again', { entity: this.#options.entity });
    }
    this.#backoff.reset();
  }
}

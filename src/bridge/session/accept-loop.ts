// Keeps accepts under way while there is room for sessions, through idle time-outs and lost connections.
import { performance } from 'node:perf_hooks';
import type { Logger } from '../../contract/ports.ts';
import { isHeldElsewhere, isNothingThere, sdkError } from '../connection/errors.ts';
import { createBackoff } from '../time/backoff.ts';
import { createAcceptPace } from './accept-pace.ts';

export interface AcceptLoopOptions<T> {
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

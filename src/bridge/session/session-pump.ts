// Many sessions of one entity at once: the processor that the Node SDK lacks. Accepts whatever session has a message,
// hands it to `onSession` and releases it afterwards.
import type { ServiceBusSessionReceiver } from '@azure/service-bus';
import type { Logger, Pump, SessionPumpOptions } from '../../contract/ports.ts';
import { RECEIVER_OPTIONS } from '../codec.ts';
import type { ConnectionPool, PooledClient } from '../connection/connection-pool.ts';
import type { Load } from '../load/load.ts';
import type { SessionCounts } from '../load/readings.ts';
import type { BrokerClock, TimeSource } from '../time/clocks.ts';
import { pause } from '../time/waiting.ts';
import { AcceptLoop, acceptOn, giveBack } from './accept-loop.ts';
import { LiveSession } from './held-session.ts';
import { WaitingLine } from './waiting-line.ts';

export interface SessionPumpContext {
  /** The entity's name at the service, prefix included. */
  readonly path: string;
  /** Only this pump uses it: closing it is the only way to end an accept that is under way. */
  readonly pool: ConnectionPool;
  readonly lockDurationMs: number;
  readonly time: TimeSource;
  readonly clock: BrokerClock;
  /** Says how many of the places are to be used now. */
  readonly load?: Load | undefined;
  readonly counts: SessionCounts;
  readonly logger: Logger;
}

interface Accepted {
  readonly receiver: ServiceBusSessionReceiver;
  readonly link: PooledClient;
}

/** A session held in vain would be offered again at once; this keeps it from spinning (I7). */
const HELD_IN_VAIN_PAUSE_MS = 200;
/** Sessions that may stand in line for a place, their lock held. */
const IN_LINE = 4;
/** After so long in line a session is given back: another process may have a place. */
const IN_LINE_MS = 1_000;
/** A pool that is saturated is asked again after so long. */
const SATURATED_PAUSE_MS = 10;

export class SessionPump implements Pump {
  readonly #options: SessionPumpOptions;
  readonly #context: SessionPumpContext;
  readonly #loop: AcceptLoop<Accepted>;
  readonly #places: WaitingLine;
  /** Sessions that have a place. */
  readonly #held = new Set<LiveSession>();
  /** Sessions that have a place or stand in line. */
  readonly #holds = new Set<Promise<void>>();
  readonly #unwatch: (() => void) | undefined;
  #recheck: NodeJS.Timeout | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: SessionPumpOptions, context: SessionPumpContext) {
    this.#options = options;
    this.#context = context;
    this.#places = new WaitingLine(options.maxSessions);
    this.#loop = new AcceptLoop({
      entity: options.entity,
      logger: context.logger,
      room: () => this.#room(),
      accept: () => this.#accept(),
      onAccepted: (accepted) => this.#take(accepted),
    });
    this.#unwatch = context.load?.onChange(() => this.#resize());
    this.#resize();
  }

  get active(): number {
    return this.#held.size;
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#loop.stop();
    this.#unwatch?.();
    this.#places.close();
    clearTimeout(this.#recheck);
    for (const session of this.#held) session.beginClosing();
    await Promise.all(this.#holds);
    await this.#context.pool.close();
  }

  #room(): number {
    const { maxSessions, isSaturated } = this.#options;
    if (isSaturated?.() === true) {
      this.#recheck ??= setTimeout(() => {
        this.#recheck = undefined;
        this.#loop.fill();
      }, SATURATED_PAUSE_MS);
      return 0;
    }
    const allowed = this.#allowed();
    return allowed + Math.min(IN_LINE, maxSessions) - this.#holds.size;
  }

  #allowed(): number {
    const { maxSessions } = this.#options;
    return this.#context.load?.sessions(maxSessions) ?? maxSessions;
  }

  #resize(): void {
    this.#places.resize(this.#allowed());
    this.#loop.fill();
  }

  async #accept(): Promise<Accepted> {
    const link = this.#context.pool.acquire();
    const { client } = link;
    const receiver = await acceptOn(link, () =>
      client.acceptNextSession(this.#context.path, RECEIVER_OPTIONS),
    );
    this.#context.counts.accepted += 1;
    return { receiver, link };
  }

  #take(accepted: Accepted): void {
    const hold = this.#hold(accepted).finally(() => {
      accepted.link.release();
      this.#holds.delete(hold);
      this.#loop.fill();
    });
    this.#holds.add(hold);
  }

  async #hold({ receiver, link }: Accepted): Promise<void> {
    if (this.#stopping !== undefined) return giveBack(receiver);
    const session = await this.#open(receiver, link);
    if (session === undefined) return giveBack(receiver);
    this.#context.load?.take();
    await this.#keep(session).finally(() => this.#context.load?.release());
  }

  async #keep(session: LiveSession): Promise<void> {
    if (!(await this.#placed())) {
      await session.release();
      return this.#loop.holdOff();
    }
    await this.#serve(session);
    // The next one need not wait for the goodbye.
    this.#places.free();
    await session.release();
  }

  #placed(): Promise<boolean> {
    const placed = this.#places.take(IN_LINE_MS);
    if (this.#places.waiting > 0) for (const session of this.#held) if (session.giveWay()) break;
    return placed;
  }

  async #serve(session: LiveSession): Promise<void> {
    this.#held.add(session);
    session.begin();
    if (this.#isStopping()) session.beginClosing();
    let outcome: 'refused' | void = undefined;
    try {
      outcome = await this.#options.onSession(session);
    } catch (thrown) {
      const { entity, sessionId } = session;
      this.#context.logger.error('session handler failed', { entity, sessionId, error: String(thrown) });
    }
    // Given back at once: a host that can serve it waits for its lock.
    if (outcome === 'refused') this.#loop.refused();
    else if (session.productive) this.#loop.served();
    else if (!this.#isStopping()) await this.#slowDown(session);
    this.#held.delete(session);
  }

  async #open(
    receiver: ServiceBusSessionReceiver,
    { watch }: PooledClient,
  ): Promise<LiveSession | undefined> {
    const { time, clock, load, counts, logger, lockDurationMs } = this.#context;
    const { entity, window, holdQuantumMs } = this.#options;
    try {
      return await LiveSession.open(receiver, {
        entity,
        lockDurationMs,
        window,
        time,
        clock,
        load,
        counts,
        logger,
        watch,
        holdQuantumMs,
        othersWait: () => this.#places.waiting > 0 || this.#places.crowded,
      });
    } catch {
      // The link was lost before it was used.
      return undefined;
    }
  }

  /** A lost one is free for others already, so accepting waits; one that is ours is kept a little longer. */
  async #slowDown(session: LiveSession): Promise<void> {
    if (session.lost) return this.#loop.holdOff();
    await pause(HELD_IN_VAIN_PAUSE_MS);
  }

  #isStopping(): boolean {
    return this.#stopping !== undefined;
  }
}

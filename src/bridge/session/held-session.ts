// One session whose lock this process holds: its lease, its messages, and its end.
import type { ServiceBusSessionReceiver } from '@azure/service-bus';
import type { Json } from '../../contract/json.ts';
import type { Disposition, HeldSession, Logger, Taken } from '../../contract/ports.ts';
import type { InboundMessage } from '../../contract/wire.ts';
import { isTooLarge } from '../connection/sdk-errors.ts';
import type { ConnectionWatch } from '../connection/sockets.ts';
import type { Load } from '../load/load.ts';
import type { SessionCounts } from '../load/readings.ts';
import type { BrokerClock, TimeSource } from '../time/clocks.ts';
import { Intake } from './intake.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { CONNECTION_LOST, SessionLink } from './session-link.ts';

export interface SessionContext {
  readonly entity: string;
  readonly lockDurationMs: number;
  /** Messages in flight: how much backlog one batch can see. */
  readonly window: number;
  /** Whether others wait for a place (I14). Asked at each take. */
  readonly othersWait: () => boolean;
  /** How long it may continue while they do. */
  readonly holdQuantumMs: number;
  readonly time: TimeSource;
  readonly clock: BrokerClock;
  readonly load?: Load | undefined;
  readonly counts: SessionCounts;
  readonly logger: Logger;
  readonly watch: ConnectionWatch;
}

/** While others wait for its place: longer than the way of a message that it sends to itself. */
const IDLE_IN_A_CROWD_MS = 10;

export class LiveSession implements HeldSession {
  readonly entity: string;
  readonly sessionId: string;
  readonly #link: SessionLink;
  readonly #context: SessionContext;
  readonly #intake = new Intake<InboundMessage>();
  readonly #unwatch: () => void;
  #lease: LeaseKeeper | undefined;
  #begunAt = Number.POSITIVE_INFINITY;
  /** Until then it has not had its turn, however long that takes. */
  #received = false;
  /** When the messages in hand were given. */
  #givenAt: number | undefined;
  #closing = false;
  #productive = false;

  private constructor(receiver: ServiceBusSessionReceiver, context: SessionContext) {
    this.entity = context.entity;
    this.sessionId = receiver.sessionId;
    this.#link = new SessionLink(receiver, (why) => this.#lose(why));
    this.#context = context;
    // The SDK tells it too, but not always.
    this.#unwatch = context.watch.onLost(() => this.#lose(CONNECTION_LOST));
  }

  /** Takes over a receiver that was just accepted, and keeps its lock. */
  static async open(receiver: ServiceBusSessionReceiver, context: SessionContext): Promise<LiveSession> {
    const session = new LiveSession(receiver, context);
    const link = session.#link;
    const { clock, lockDurationMs } = context;
    clock.granted(link.lockedUntilMs - lockDurationMs);
    const lease = await LeaseKeeper.start({
      configuredMs: lockDurationMs,
      lockedUntilMs: link.lockedUntilMs,
      time: context.time,
      load: context.load,
      renew: async (patienceMs) => {
        const lockedUntilMs = await link.renew(patienceMs);
        if (lockedUntilMs === undefined) return undefined;
        clock.granted(lockedUntilMs - lockDurationMs);
        context.counts.renewed += 1;
        return lockedUntilMs;
      },
      onOver: (why) => session.#lose(why),
    });
    session.#lease = lease;
    if (session.lost) lease.stop();
    return session;
  }

  /** Nothing is received before. */
  begin(): void {
    this.#begunAt = this.#context.time.instant().monotonicMs;
    if (this.lost) return;
    const { window, clock } = this.#context;
    this.#link.subscribe(window, (message) => {
      clock.reached(message.enqueuedAt);
      this.#intake.push(message);
    });
  }

  /** Whether anything was committed or settled: a session held in vain is not to be offered again at once. */
  get productive(): boolean {
    return this.#productive;
  }

  get lost(): boolean {
    return this.#link.sealed;
  }

  async readState(): Promise<{ kind: 'state'; state: unknown } | { kind: 'lost' }> {
    const reply = await this.#link.readState();
    return reply.kind === 'done' ? { kind: 'state', state: toState(reply.value) } : { kind: 'lost' };
  }

  async take({ max, idleMs }: { readonly max: number; readonly idleMs: number }): Promise<Taken> {
    const { load, time } = this.#context;
    if (this.#givenAt !== undefined) load?.served(time.instant().monotonicMs - this.#givenAt);
    this.#givenAt = undefined;
    const interrupted = this.#interruption();
    if (interrupted !== undefined) return interrupted;
    const crowded = this.#received && this.#context.othersWait();
    if (crowded && this.#heldMs() >= this.#context.holdQuantumMs) return { kind: 'yield' };
    const arrival = await this.#intake.take(max, crowded ? Math.min(idleMs, IDLE_IN_A_CROWD_MS) : idleMs);
    if (arrival.kind === 'messages') {
      this.#received = true;
      this.#givenAt = time.instant().monotonicMs;
    }
    return arrival.kind === 'interrupted' ? (this.#interruption() ?? { kind: 'closing' }) : arrival;
  }

  async commit(state: Json): Promise<'committed' | 'refused' | 'lost'> {
    // I1: no write may start when the lease could end before it arrives.
    if (!(await this.#lease?.isSafe())) {
      if (!this.lost) this.#context.load?.lost();
      return this.#lose('no lease left to commit under');
    }
    const reply = await this.#link.writeState(state);
    if (reply.kind === 'done') return this.#did('committed');
    return reply.kind === 'failed' && isTooLarge(reply.error) ? 'refused' : 'lost';
  }

  async settle(message: InboundMessage, disposition: Disposition): Promise<'settled' | 'lost'> {
    const reply = await this.#link.settle(message, disposition);
    return reply.kind === 'done' ? this.#did('settled') : 'lost';
  }

  receiveDeferred(sequenceNumbers: readonly number[]): Promise<readonly InboundMessage[]> {
    return this.#link.receiveDeferred(sequenceNumbers);
  }

  peekScheduled(): Promise<readonly InboundMessage[]> {
    return this.#link.peekScheduled();
  }

  /** Somebody waits for its place: it goes if it is only waiting for more. */
  giveWay(): boolean {
    return this.#received && this.#intake.rest();
  }

  /** The pump is stopping: what was taken may be finished, nothing more is given. */
  beginClosing(): void {
    this.#closing = true;
    this.#intake.interrupt();
  }

  /** Gives the lock back. */
  release(): Promise<void> {
    this.#seal();
    return this.#link.close();
  }

  #heldMs(): number {
    return this.#context.time.instant().monotonicMs - this.#begunAt;
  }

  #did<T>(outcome: T): T {
    this.#productive = true;
    return outcome;
  }

  #lose(why: string): 'lost' {
    if (this.lost) return 'lost';
    const { entity, sessionId } = this;
    this.#context.counts.lost += 1;
    // With the connection every session goes, and the pump says so once.
    const level = why === CONNECTION_LOST ? 'debug' : 'info';
    this.#context.logger[level]('session lost', { entity, sessionId, why });
    void this.release();
    return 'lost';
  }

  #seal(): void {
    this.#unwatch();
    this.#lease?.stop();
    this.#link.seal();
    this.#intake.interrupt();
  }

  #interruption(): Taken | undefined {
    if (this.lost) return { kind: 'lost' };
    return this.#closing ? { kind: 'closing' } : undefined;
  }
}

/** No state at all is null; so are the 4 bytes that the SDK writes for a null (session-states.ts). */
function toState(value: unknown): unknown {
  return value === undefined || (Buffer.isBuffer(value) && value.length === 0) ? null : value;
}

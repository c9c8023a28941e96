/**
 * The way out of one connection: how much of what was handed to it has not yet left, so that its writers can wait
 * for a peer that does not read.
 */
import type { Duplex } from 'node:stream';
import type { Holding, Holdings } from '../transport/holdings.ts';
import type { Turns } from '../transport/turns.ts';
import type { Unsettled } from './client-limits.ts';

/** No more messages and replies are handed over while so much waits. */
const HIGH_BYTES = 256 * 1024;

/** A delivery of rhea's; its bytes are of no use once they are written. */
export interface WrittenDelivery {
  readonly id: number;
  data: readonly unknown[];
}

export interface OutgoingSession {
  readonly outgoing: { readonly next_pending_delivery: number };
}

/** Handed to rhea and not yet written: its peer gives no room, or the pass is still to come. */
interface Unwritten {
  bytes: number;
  /** Promised to messages that are on their way out of the store. */
  reserved: number;
  readonly line: { readonly delivery: WrittenDelivery; readonly bytes: number }[];
  readonly waiting: Set<() => void>;
}

const NOTHING: readonly unknown[] = [];

export class Traffic {
  readonly #socket: Duplex;
  readonly #holding: Holding;
  readonly #holdings: Holdings;
  readonly #turns: Turns;
  readonly unsettled: Unsettled;
  readonly #sessions = new Map<OutgoingSession, Unwritten>();
  #unwritten = 0;
  /** The part that no pass has seen yet: the next one may write all of it. */
  #fresh = 0;
  #over = false;

  constructor(
    socket: Duplex,
    holding: Holding,
    shared: { readonly turns: Turns; readonly holdings: Holdings },
    unsettled: Unsettled,
  ) {
    this.#socket = socket;
    this.#holding = holding;
    this.#holdings = shared.holdings;
    this.#turns = shared.turns;
    this.unsettled = unsettled;
    socket.on('drain', () => this.#relieve());
  }

  /** The peer has to read before it is heard again. */
  get blocked(): boolean {
    return this.#socket.writableLength > HIGH_BYTES;
  }

  /** The session has to get rid of what it has before it gets more. */
  congested(session: OutgoingSession): boolean {
    if (this.#over) return true;
    const unwritten = this.#sessions.get(session);
    const waiting = unwritten ? unwritten.bytes + unwritten.reserved : 0;
    return this.#socket.writableLength + Math.max(this.#fresh, waiting) > HIGH_BYTES;
  }

  /** Tells once when there is room again. */
  whenClear(session: OutgoingSession, tell: () => void): void {
    this.#of(session).waiting.add(tell);
  }

  /** Runs work that takes long and makes much, once there is memory for it. */
  inTurn(work: () => void): void {
    const queue = () => this.#turns.queueHeavy(work);
    if (this.#holdings.mustWait(this.#holding)) this.#holdings.wait(queue);
    else queue();
  }

  /** A request costs the broker this much later, whatever its few bytes cost now. */
  charge(ms: number): void {
    this.#turns.charge(ms);
  }

  /** Negative = given back. */
  reserve(session: OutgoingSession, bytes: number): void {
    if (bytes > 0 || this.#sessions.has(session)) this.#of(session).reserved += bytes;
  }

  /** Counts bytes of messages that wait for the end of their transactions. */
  holdMessages(change: number): void {
    this.#holding.add('messages', change);
  }

  holdReplies(change: number): void {
    this.#holding.add('replies', change);
  }

  handed(session: OutgoingSession, delivery: WrittenDelivery, bytes: number): void {
    const unwritten = this.#of(session);
    unwritten.line.push({ delivery, bytes });
    unwritten.bytes += bytes;
    this.#unwritten += bytes;
    this.#fresh += bytes;
  }

  /** rhea has had its pass over the session. */
  written(session: OutgoingSession): void {
    const unwritten = this.#sessions.get(session);
    if (!unwritten) return;
    const { line } = unwritten;
    const next = session.outgoing.next_pending_delivery;
    let count = 0;
    for (const { delivery, bytes } of line) {
      if (delivery.id >= next) break;
      delivery.data = NOTHING;
      unwritten.bytes -= bytes;
      this.#unwritten -= bytes;
      count += 1;
    }
    line.splice(0, count);
    this.#forget(session, unwritten);
  }

  ended(session: OutgoingSession): void {
    this.#unwritten -= this.#sessions.get(session)?.bytes ?? 0;
    this.#sessions.delete(session);
  }

  /** The peer is gone: nothing more is made for it. */
  end(): void {
    this.#over = true;
  }

  /** A pass is over. */
  passed(): void {
    this.#fresh = 0;
    this.#relieve();
  }

  #relieve(): void {
    this.#holding.set('output', this.#socket.writableLength + this.#unwritten);
    if (this.#over || this.blocked) return;
    for (const [session, unwritten] of this.#sessions) {
      if (unwritten.waiting.size === 0 || this.congested(session)) continue;
      const waiting = [...unwritten.waiting];
      unwritten.waiting.clear();
      for (const tell of waiting) tell();
      this.#forget(session, unwritten);
    }
  }

  #of(session: OutgoingSession): Unwritten {
    let unwritten = this.#sessions.get(session);
    if (!unwritten) {
      unwritten = { bytes: 0, reserved: 0, line: [], waiting: new Set() };
      this.#sessions.set(session, unwritten);
    }
    return unwritten;
  }

  #forget(session: OutgoingSession, { line, reserved, waiting }: Unwritten): void {
    if (line.length === 0 && reserved === 0 && waiting.size === 0) this.#sessions.delete(session);
  }
}

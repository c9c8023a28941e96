/**
 * The way in of one connection: bytes become whole frames, the guard checks them, and they are handled in slices that leave
 * time for other connections. A peer that does not read what it was told has to wait.
 */
import type { Duplex } from 'node:stream';
import { ANSWERS, type Pulse, WAITING } from '../core/pulse.ts';
import { type Holding, type Holdings, passedThrough } from '../transport/holdings.ts';
import { type Taker, type Turns, Usage } from '../transport/turns.ts';
import { FrameReader } from './frame-reader.ts';
import type { Guard } from './guard.ts';
import { ATTACH, OPEN } from './performatives.ts';

/** How long a peer may leave what it is told unread while much of it waits. */
const STUCK_MS = 60_000;
/** Where a frame with the usual head says what it is. */
const CODE_AT = 10;

/** The connection whose bytes are read. */
export interface Listening {
  take(frame: Buffer): void;
  fail(error: unknown): void;
  /** Says what there is to say to what was taken. */
  answer(): void;
  /** The peer leaves unread much of what it is told. */
  readonly blocked: boolean;
  readonly saslDone: boolean;
}

let connections = 0;

export class Incoming implements Taker {
  readonly #socket: Duplex;
  readonly #guard: Guard;
  readonly #holding: Holding;
  readonly #holdings: Holdings;
  readonly #turns: Turns;
  readonly #pulse: Pulse;
  /** Number of the connection, for reports about a broker that hangs. */
  readonly #number = ++connections;
  readonly #usage: Usage;
  readonly #to: Listening;
  readonly #reader = new FrameReader();
  /** It stands in line for a turn. */
  #queued = false;
  /** Something has to happen before the next frame. */
  #held = false;
  /** It has waited for memory. */
  #released = false;
  #over = false;
  #stuck: NodeJS.Timeout | undefined;

  constructor(
    socket: Duplex,
    guard: Guard,
    holding: Holding,
    shared: { readonly turns: Turns; readonly holdings: Holdings; readonly pulse: Pulse },
    to: Listening,
  ) {
    this.#socket = socket;
    this.#guard = guard;
    this.#holding = holding;
    this.#holdings = shared.holdings;
    this.#turns = shared.turns;
    this.#pulse = shared.pulse;
    this.#usage = new Usage(shared.turns);
    this.#to = to;
  }

  /** What comes from now on is not looked at. */
  end(): void {
    this.#over = true;
    clearTimeout(this.#stuck);
  }

  heard(bytes: Buffer): void {
    if (this.#over) return;
    passedThrough(bytes.length);
    this.#reader.push(bytes);
    if (!this.#queued && !this.#held) this.#goOn();
  }

  work(until: number): boolean {
    const start = this.#turns.now();
    let now = start;
    let more = true;
    while (more && now < until) {
      more = this.#step();
      now = this.#turns.now();
    }
    // What the answers cost is part of it.
    this.#pulse.at(ANSWERS);
    this.#to.answer();
    this.#pulse.at(WAITING);
    this.#usage.add(this.#turns.now() - start);
    this.#holding.set('input', this.#reader.held);
    this.#queued = more;
    if (!more && !this.#held) this.#socket.resume();
    return more;
  }

  /** At once as long as it has not been much of late, then in line. */
  #goOn(): void {
    const free = this.#usage.free();
    if (free > 0 && !this.work(this.#turns.now() + free)) return;
    this.#queued = true;
    this.#socket.pause();
    this.#turns.queue(this);
  }

  /** Until it is released, nothing is read. */
  #hold(until: (released: () => void) => void): void {
    this.#held = true;
    this.#socket.pause();
    until(() => {
      this.#held = false;
      if (!this.#queued && !this.#over) this.#goOn();
    });
  }

  /** One frame; false = no whole frame, or none that may be looked at now. */
  #step(): boolean {
    if (this.#over || this.#held || this.#mustWait()) return false;
    try {
      const { inSasl } = this.#guard;
      if (inSasl && this.#to.saslDone) this.#guard.authenticated();
      const frame = this.#reader.next(this.#guard.expectsHeader);
      if (!frame) return false;
      this.#pulse.frame(this.#number, frame[CODE_AT] ?? 0);
      if (this.#guard.admit(frame)) this.#to.take(keepable(frame));
      // rhea's SASL answers a little later, and what follows depends on its answer.
      if (inSasl && this.#guard.inSasl) this.#hold((released) => setImmediate(released));
      return true;
    } catch (error) {
      this.#to.fail(error);
      return false;
    }
  }

  #mustWait(): boolean {
    if (this.#to.blocked) {
      this.#waitForPeer();
      return true;
    }
    if (this.#released || !this.#holdings.mustWait(this.#holding)) {
      this.#released = false;
      return false;
    }
    this.#hold((released) =>
      this.#holdings.wait(() => {
        this.#released = true;
        released();
      }),
    );
    return true;
  }

  #waitForPeer(): void {
    this.#stuck = setTimeout(() => this.#socket.destroy(), STUCK_MS);
    this.#hold((released) => {
      this.#socket.once('drain', () => {
        clearTimeout(this.#stuck);
        released();
      });
    });
  }
}

/** What rhea keeps of a frame as long as something is open must not keep the whole chunk that it came in. */
function keepable(frame: Buffer): Buffer {
  const code = frame[CODE_AT] ?? 0;
  return code >= OPEN && code <= ATTACH ? Buffer.from(frame) : frame;
}

/**
 * What connections make the broker keep in memory: halves of frames and messages, replies that nobody takes, bytes that
 * nobody reads. Where it gets tight, a connection that holds much is heard slowly; beyond the limit for all of them
 * together, the one that has held most for longest is cut.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type HoldingKind = 'input' | 'messages' | 'replies' | 'output';

/** Less than this is nobody's fault. */
const IDLE_BYTES = 4096;
/** From this part of the limit on it is tight, and from the other one very. */
const TIGHT = 0.5;
const VERY_TIGHT = 0.8;
/** What a connection may hold then and still be heard at once: a message on its way, or next to nothing. */
const SHARE_BYTES = 256 * 1024;
const SMALL_SHARE_BYTES = 16 * 1024;
/** One of those that wait is heard every so often, so that messages can come to their end. */
const RELEASE_EVERY_MS = 20;

export class Holdings {
  readonly #limit: number;
  readonly #holders = new Set<Holding>();
  readonly #waiting = new Set<() => void>();
  #releasing = false;
  #total = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** `cut` ends the connection and what it holds. */
  open(cut: () => void): Holding {
    const holding = new Holding(cut, (change) => this.#changed(change));
    this.#holders.add(holding);
    return holding;
  }

  close(holding: Holding): void {
    if (!this.#holders.delete(holding)) return;
    this.#total -= holding.total;
    holding.closed = true;
  }

  /** It holds so much, and all hold so much together, that it has to wait before more of it is heard. */
  mustWait({ total }: Holding): boolean {
    if (this.#total < this.#limit * TIGHT) return false;
    return total > (this.#total < this.#limit * VERY_TIGHT ? SHARE_BYTES : SMALL_SHARE_BYTES);
  }

  wait(released: () => void): void {
    this.#waiting.add(released);
    this.#releaseLater();
  }

  #releaseLater(): void {
    if (this.#releasing || this.#waiting.size === 0) return;
    this.#releasing = true;
    setTimeout(() => this.#release(), RELEASE_EVERY_MS).unref();
  }

  #release(): void {
    this.#releasing = false;
    const all = [...this.#waiting];
    for (const released of this.#total < this.#limit * TIGHT ? all : all.slice(0, 1)) {
      this.#waiting.delete(released);
      released();
    }
    this.#releaseLater();
  }

  #changed(change: number): void {
    this.#total += change;
    if (change <= 0) return;
    while (this.#total > this.#limit) {
      const worst = this.#worst();
      if (!worst) return;
      this.close(worst);
      worst.cut();
    }
  }

  #worst(): Holding | undefined {
    const now = Date.now();
    let worst: Holding | undefined;
    for (const holding of this.#holders) {
      if (holding.total > 0 && (!worst || holding.weight(now) > worst.weight(now))) worst = holding;
    }
    return worst;
  }
}

/** The memory that one connection holds. */
export class Holding {
  total = 0;
  closed = false;
  readonly cut: () => void;
  readonly #changed: (change: number) => void;
  readonly #bytes = { input: 0, messages: 0, replies: 0, output: 0 };
  #since = 0;

  constructor(cut: () => void, changed: (change: number) => void) {
    this.cut = cut;
    this.#changed = changed;
  }

  add(kind: HoldingKind, bytes: number): void {
    this.set(kind, this.#bytes[kind] + bytes);
  }

  set(kind: HoldingKind, bytes: number): void {
    const change = bytes - this.#bytes[kind];
    if (change === 0 || this.closed) return;
    this.#bytes[kind] = bytes;
    this.total += change;
    if (this.total < IDLE_BYTES) this.#since = 0;
    else if (this.#since === 0) this.#since = Date.now();
    this.#changed(change);
  }

  /** A message on its way is large and young; what is held to do harm grows old. */
  weight(now: number): number {
    return this.#since === 0 ? this.total : this.total * (1 + now - this.#since);
  }
}

// Bytes that were read or written are garbage at once, but V8 lets some hundred megabytes of buffers gather before it
// looks: a young collection takes less than a millisecond and frees them.

const COLLECT_EVERY_BYTES = 16 * 1024 * 1024;

type Collect = (options: { type: 'minor' }) => void;

let collect: Collect | undefined;
let passed = 0;

/** Counts bytes that went in or out, in separate buffers. */
export function passedThrough(bytes: number): void {
  passed += bytes;
  if (passed < COLLECT_EVERY_BYTES) return;
  passed = 0;
  collect ??= exposedCollect();
  collect({ type: 'minor' });
}

/** Node hands it out to contexts that are made while the flag is set. */
function exposedCollect(): Collect {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as Collect;
  setFlagsFromString('--no-expose-gc');
  return gc;
}

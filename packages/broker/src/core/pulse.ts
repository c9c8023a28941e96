/**
 * Shows another thread that the broker lives: a beat and where it stands, in shared memory (docs/decisions/0069). That costs
 * a few stores a frame; the watcher reads them.
 */

/** What the broker may have been doing last. */
const PLACES = [
  'it had nothing to do',
  'it was taking a frame',
  'it was answering frames',
  'an alarm had rung',
  'it was applying a commit',
  'it was handing messages out after a commit',
] as const;
export const WAITING = 0;
export const FRAME = 1;
export const ANSWERS = 2;
export const ALARM = 3;
export const COMMITTED = 4;
export const HANDING_OUT = 5;

/** By the number that stands in shared memory; 0 = none. */
const OPERATIONS: string[] = [''];

/** The number of a `$management` operation, the same in every thread that loads the same table. */
export function registerOperations(names: readonly string[]): ReadonlyMap<string, number> {
  return new Map(names.map((name) => [name, OPERATIONS.push(name) - 1]));
}

const BEAT = 0;
const DISK = 1;
const PLACE = 2;
const CONNECTION = 3;
const CODE = 4;
const OPERATION = 5;
const FIELDS = 6;

const BEAT_MS = 500;

export class Pulse {
  readonly shared: SharedArrayBuffer;
  readonly #fields: Int32Array;
  #timer: NodeJS.Timeout | undefined;

  constructor(shared = new SharedArrayBuffer(FIELDS * Int32Array.BYTES_PER_ELEMENT)) {
    this.shared = shared;
    this.#fields = new Int32Array(shared);
  }

  /** From now on it beats. */
  start(): void {
    this.#timer = setInterval(() => Atomics.add(this.#fields, BEAT, 1), BEAT_MS);
    this.#timer.unref();
    Atomics.add(this.#fields, BEAT, 1);
  }

  stop(): void {
    clearInterval(this.#timer);
    Atomics.store(this.#fields, BEAT, 0);
  }

  at(place: number): void {
    Atomics.store(this.#fields, PLACE, place);
  }

  frame(connection: number, code: number): void {
    Atomics.store(this.#fields, CONNECTION, connection);
    Atomics.store(this.#fields, CODE, code);
    Atomics.store(this.#fields, OPERATION, 0);
    Atomics.store(this.#fields, PLACE, FRAME);
  }

  operation(number: number): void {
    Atomics.store(this.#fields, OPERATION, number);
  }

  /** A call that the disk may hold up: its time counts as nobody's fault. */
  onDisk<T>(call: () => T): T {
    Atomics.add(this.#fields, DISK, 1);
    try {
      return call();
    } finally {
      Atomics.sub(this.#fields, DISK, 1);
    }
  }

  /** 0 = it has not begun, or has ended. */
  get beat(): number {
    return Atomics.load(this.#fields, BEAT);
  }

  get inDiskCall(): boolean {
    return Atomics.load(this.#fields, DISK) > 0;
  }

  /** Where it stands, in words for one line of a log. */
  get where(): string {
    const [place, connection, code, operation] = [PLACE, CONNECTION, CODE, OPERATION].map((field) =>
      Atomics.load(this.#fields, field),
    );
    const frame = connection ? `, last frame 0x${(code ?? 0).toString(16)} of connection ${connection}` : '';
    const named = OPERATIONS[operation ?? 0] ?? '';
    return `${PLACES[place ?? 0] ?? PLACES[0]}${frame}${named && `, operation ${named}`}`;
  }
}

// Watches a broker's thread by its pulse. Looked at a few times a second, and only looks count: time in which this process
// stood still (SIGSTOP, a suspended machine) brings none, and while the thread has marked itself in a disk call none counts.

const LOOK_MS = 500;
/** A thread that does not beat for so long never will: its beat comes twice a second, whatever it has to do. */
export const HUNG_AFTER_MS = 10_000;

interface Watchdog {
  /** One look; made by the timer, and by tests. */
  look(): void;
  stop(): void;
}

export function watch(
  pulse: Pick<Pulse, 'beat' | 'inDiskCall' | 'where'>,
  onHung: (line: string) => void,
  { hungAfterMs = HUNG_AFTER_MS, lookMs = LOOK_MS } = {},
): Watchdog {
  let last = 0;
  let looks = 0;
  let told = false;
  const look = (): void => {
    const { beat } = pulse;
    if (beat === 0 || beat !== last || pulse.inDiskCall) {
      last = beat;
      looks = 0;
      return;
    }
    looks += 1;
    if (told || looks * lookMs < hungAfterMs) return;
    told = true;
    clearInterval(timer);
    onHung(
      `its thread has not moved for ${Math.round(hungAfterMs / 1000)} s; when it last did, ${pulse.where}`,
    );
  };
  const timer = setInterval(look, lookMs);
  timer.unref();
  return { look, stop: () => clearInterval(timer) };
}

// The one clock of a run: timers of XState, delays of promise logic and scheduled messages fire in order of their instants.
import { setImmediate as turn } from 'node:timers/promises';

const EPOCH = 1_700_000_000_000;

interface Alarm {
  readonly dueAt: number;
  readonly ring: () => void;
}

export class VirtualClock {
  now = EPOCH;
  #alarms = new Map<number, Alarm>();
  #set = 0;

  setTimeout = (ring: () => void, ms: number): number => {
    this.#set += 1;
    this.#alarms.set(this.#set, { dueAt: Math.ceil(this.now + Math.max(0, ms)), ring });
    return this.#set;
  };

  clearTimeout = (id: number): void => {
    this.#alarms.delete(id);
  };

  /** `settle` runs after every alarm: what one sets off is over before the next rings. */
  async advance(ms: number, settle: () => Promise<void>): Promise<void> {
    const until = this.now + ms;
    for (;;) {
      const [next] = [...this.#alarms].filter(([, { dueAt }]) => dueAt <= until).toSorted(byInstant);
      if (next === undefined) break;
      const [id, { dueAt, ring }] = next;
      this.#alarms.delete(id);
      this.now = Math.max(this.now, dueAt);
      ring();
      await settle();
    }
    this.now = until;
  }
}

function byInstant([a, { dueAt: first }]: [number, Alarm], [b, { dueAt: second }]: [number, Alarm]): number {
  return first - second || a - b;
}

/** Promises that settle by themselves take a few turns of the event loop at most; none of the corpus needs more. */
const QUIET_TURNS = 3;

/** Returns once `busy` has had nothing to do for a few turns of the event loop. */
export async function untilQuiet(busy: () => boolean): Promise<void> {
  for (let quiet = 0; quiet < QUIET_TURNS; quiet += 1) {
    if (busy()) quiet = 0;
    await turn();
  }
}

let current = new VirtualClock();

export function useClock(clock: VirtualClock): void {
  current = clock;
}

/** For promise logic of the corpus: `value` after `ms` of the run's clock; an Error is thrown instead. */
export function later<T>(ms: number, value: T): Promise<Exclude<T, Error>> {
  const { promise, resolve, reject } = Promise.withResolvers<Exclude<T, Error>>();
  current.setTimeout(() => {
    if (value instanceof Error) reject(value);
    else resolve(value as Exclude<T, Error>);
  }, ms);
  return promise;
}

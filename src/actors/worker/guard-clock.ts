// The clock of turns: it stands at the turn's `now`.
import type { TurnWindow } from './turn-window.ts';

export function guardClock(turn: TurnWindow): void {
  guardDate(turn);
  guardFormats(turn);
  guardMonotonic(turn);
}

function guardDate(turn: TurnWindow): void {
  const RealDate = Date;
  const dateNow = RealDate.now;
  RealDate.now = () => turn.now() ?? dateNow();
  // A proxy keeps `instanceof Date`, statics and subclasses as they are.
  const GuardedDate = new Proxy(RealDate, {
    construct(target, args: unknown[], newTarget) {
      const now = turn.now();
      return Reflect.construct(
        target,
        now === undefined || args.length > 0 ? args : [now],
        newTarget,
      ) as Date;
    },
    apply(target, self, args) {
      const now = turn.now();
      return now === undefined ? (Reflect.apply(target, self, args) as string) : new RealDate(now).toString();
    },
  });
  RealDate.prototype.constructor = GuardedDate;
  globalThis.Date = GuardedDate;
}

/** `new Intl.DateTimeFormat().format()` without an argument reads the clock by itself. */
function guardFormats(turn: TurnWindow): void {
  const { prototype } = Intl.DateTimeFormat;
  const format: unknown = Reflect.get(Object.getOwnPropertyDescriptor(prototype, 'format') ?? {}, 'get');
  const parts: unknown = Reflect.get(prototype, 'formatToParts');
  Object.defineProperty(prototype, 'format', {
    configurable: true,
    get(this: Intl.DateTimeFormat) {
      const bound = (format as Formatter).call(this) as (date?: unknown) => string;
      return (date?: unknown) => bound(date ?? turn.now());
    },
  });
  Object.defineProperty(prototype, 'formatToParts', {
    configurable: true,
    writable: true,
    value(this: Intl.DateTimeFormat, date?: unknown) {
      return (parts as Formatter).call(this, date ?? turn.now());
    },
  });
}

type Formatter = (this: Intl.DateTimeFormat, date?: unknown) => unknown;

function guardMonotonic(turn: TurnWindow): void {
  const performanceNow = performance.now.bind(performance);
  performance.now = () => turn.now() ?? performanceNow();
  const { timeOrigin } = performance;
  Object.defineProperty(performance, 'timeOrigin', {
    configurable: true,
    enumerable: true,
    get: () => (turn.now() === undefined ? timeOrigin : 0),
  });

  const { hrtime } = process;
  const bigint = hrtime.bigint.bind(hrtime);
  const guarded = (previous?: [number, number]): [number, number] => {
    const now = turn.now();
    if (now === undefined) return hrtime(previous);
    const [seconds, nanoseconds] = previous ?? [0, 0];
    const passed =
      BigInt(now) * NANOSECONDS_PER_MS - BigInt(seconds) * NANOSECONDS_PER_SECOND - BigInt(nanoseconds);
    return [Number(passed / NANOSECONDS_PER_SECOND), Number(passed % NANOSECONDS_PER_SECOND)];
  };
  process.hrtime = Object.assign(guarded, {
    bigint: () => {
      const now = turn.now();
      return now === undefined ? bigint() : BigInt(now) * NANOSECONDS_PER_MS;
    },
  });
}

const NANOSECONDS_PER_MS = 1_000_000n;
const NANOSECONDS_PER_SECOND = 1_000_000_000n;

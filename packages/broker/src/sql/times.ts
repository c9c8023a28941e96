// Instants and durations of the language, as XML Schema and .NET write them; an instant without a zone is in UTC.

const DATE =
  /^\s*(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.(\d{1,7}))?)?\s*(Z|[+-]\d{2}:\d{2})?\s*$/i;

/** Undefined for a text that is not a date. */
export function dateOf(text: string): Date | undefined {
  const [whole, day, time = '00:00', fraction = '0', zone = 'Z'] = DATE.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const ms = Date.parse(
    `${day}T${time.length === 5 ? `${time}:00` : time}.${fraction.slice(0, 3).padEnd(3, '0')}${zone}`,
  );
  return Number.isNaN(ms) ? undefined : new Date(ms);
}

// Durations as .NET's TimeSpan has them: ticks of 100 ns, written one way in XML and another in text.

const TICKS = { day: 864_000_000_000n, hour: 36_000_000_000n, minute: 600_000_000n, second: 10_000_000n };
const MAX_TICKS = 2n ** 63n - 1n;
/** `[-][d.]hh:mm[:ss[.fffffff]]` */
const TEXT = /^\s*(-)?(?:(\d{1,8})\.)?([01]?\d|2[0-3]):([0-5]?\d)(?::([0-5]?\d)(?:\.(\d{1,7}))?)?\s*$/;
const XML =
  /^\s*(-)?P(?=\d|T\d)(?:(\d{1,8})D)?(?:T(?=\d)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(?:\.(\d{1,7})\d*)?S)?)?\s*$/;

export class Duration {
  static readonly max = new Duration(MAX_TICKS);
  readonly ticks: bigint;

  constructor(ticks: bigint) {
    this.ticks = ticks;
  }

  static ofMs(ms: number): Duration {
    return Number.isFinite(ms) ? new Duration(BigInt(Math.floor(ms)) * 10_000n) : Duration.max;
  }

  /** Undefined for a text that is not a duration. */
  static fromText(text: string): Duration | undefined {
    return fromParts(TEXT.exec(text));
  }

  static fromXml(text: string): Duration | undefined {
    return fromParts(XML.exec(text));
  }

  /** Infinity for the longest, which stands for no limit. */
  get ms(): number {
    return this.ticks === MAX_TICKS ? Number.POSITIVE_INFINITY : Number(this.ticks / 10_000n);
  }

  toString(): string {
    const { sign, days, hours, minutes, seconds, fraction } = this.#parts();
    const time = [hours, minutes, seconds].map((part) => String(part).padStart(2, '0')).join(':');
    return `${sign}${days > 0n ? `${days}.` : ''}${time}${fraction === '' ? '' : `.${fraction.padEnd(7, '0')}`}`;
  }

  toXml(): string {
    const { sign, days, hours, minutes, seconds, fraction } = this.#parts();
    const named = (part: bigint, unit: string) => (part > 0n ? `${part}${unit}` : '');
    const last = fraction === '' ? named(seconds, 'S') : `${seconds}.${fraction}S`;
    const time = named(hours, 'H') + named(minutes, 'M') + last;
    const date = named(days, 'D');
    return date + time === '' ? 'PT0S' : `${sign}P${date}${time === '' ? '' : `T${time}`}`;
  }

  #parts() {
    const ticks = this.ticks < 0n ? -this.ticks : this.ticks;
    return {
      sign: this.ticks < 0n ? '-' : '',
      days: ticks / TICKS.day,
      hours: (ticks % TICKS.day) / TICKS.hour,
      minutes: (ticks % TICKS.hour) / TICKS.minute,
      seconds: (ticks % TICKS.minute) / TICKS.second,
      fraction: (ticks % TICKS.second > 0n ? String(ticks % TICKS.second) : '')
        .padStart(7, '0')
        .replace(/0+$/, ''),
    };
  }
}

function fromParts(parts: RegExpExecArray | null): Duration | undefined {
  if (!parts) return undefined;
  const [, sign, days, hours, minutes, seconds, fraction] = parts;
  const whole = (text: string | undefined) => BigInt(text ?? 0);
  const ticks =
    whole(days) * TICKS.day +
    whole(hours) * TICKS.hour +
    whole(minutes) * TICKS.minute +
    whole(seconds) * TICKS.second +
    whole(fraction?.padEnd(7, '0'));
  return ticks > MAX_TICKS ? undefined : new Duration(sign === '-' ? -ticks : ticks);
}

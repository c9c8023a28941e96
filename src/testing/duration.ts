// Durations as tests write them: '3 days', '90 minutes', '1h 30m', or milliseconds as a number.
import { QuorateError } from '../contract/errors.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Dates end in the year 9999. */
const LONGEST_MS = 1_000 * 365 * DAY_MS;

const UNITS: readonly (readonly [name: RegExp, ms: number])[] = [
  [/^(ms|milliseconds?)$/, 1],
  [/^(s|secs?|seconds?)$/, SECOND_MS],
  [/^(m|mins?|minutes?)$/, MINUTE_MS],
  [/^(h|hours?)$/, HOUR_MS],
  [/^(d|days?)$/, DAY_MS],
  [/^(w|weeks?)$/, 7 * DAY_MS],
];
const PART = /(\d+(?:\.\d+)?)\s*([a-z]+)\s*/gi;

/** Throws USAGE. */
export function toMs(duration: string | number): number {
  if (typeof duration === 'number' && duration >= 0 && duration <= LONGEST_MS) return Math.ceil(duration);
  const text = String(duration).trim();
  let ms = 0;
  for (const [, amount, unit = ''] of text.matchAll(PART)) {
    const factor = UNITS.find(([name]) => name.test(unit.toLowerCase()))?.[1];
    if (factor === undefined) throw notOne(text);
    ms += Number(amount) * factor;
  }
  if (text === '' || text.replace(PART, '') !== '') throw notOne(text);
  if (ms > LONGEST_MS) throw new QuorateError('USAGE', `'${text}' is longer than 1,000 years.`);
  return Math.ceil(ms);
}

function notOne(text: string): QuorateError {
  return new QuorateError('USAGE', `'${text}' is no duration; write '3 days', '1h 30m' or milliseconds.`);
}

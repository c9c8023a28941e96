// ISO 8601 durations in milliseconds, read and written. Service Bus writes "for ever" as TimeSpan.MaxValue of .NET, 10,675,199 days;
// anything near it is no limit.

/** .NET's TimeSpan.MaxValue. */
export const FOREVER = 'P10675199DT2H48M5.4775807S';
const FOREVER_DAYS = 10_000_000;
const ISO_DURATION =
  /^P(?:(\d+(?:\.\d+)?)D)?(?:T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?$/i;
const MS = { day: 86_400_000, hour: 3_600_000, minute: 60_000, second: 1000 } as const;

/** ISO 8601 duration in milliseconds, Infinity for Service Bus's "for ever", undefined if it is not a duration. */
export function durationMs(text: string): number | undefined {
  const parts = ISO_DURATION.exec(text);
  if (!parts || text.length < 3) return undefined;
  const [days, hours, minutes, seconds] = parts.slice(1).map((part) => Number(part ?? 0));
  if (days === undefined || days >= FOREVER_DAYS) return Number.POSITIVE_INFINITY;
  return days * MS.day + (hours ?? 0) * MS.hour + (minutes ?? 0) * MS.minute + (seconds ?? 0) * MS.second;
}

/** The one spelling that the service answers with. */
export function isoDuration(ms: number): string {
  if (!Number.isFinite(ms)) return FOREVER;
  const days = Math.floor(ms / MS.day);
  const hours = Math.floor((ms % MS.day) / MS.hour);
  const minutes = Math.floor((ms % MS.hour) / MS.minute);
  const seconds = (ms % MS.minute) / MS.second;
  const time = [
    [hours, 'H'],
    [minutes, 'M'],
    [seconds, 'S'],
  ]
    .filter(([amount]) => amount !== 0)
    .map(([amount, unit]) => `${amount}${unit}`)
    .join('');
  const date = days > 0 ? `${days}D` : '';
  if (date === '' && time === '') return 'PT0S';
  return `P${date}${time === '' ? '' : `T${time}`}`;
}

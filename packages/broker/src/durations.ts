// ISO 8601 durations in milliseconds. Service Bus writes "for ever" as TimeSpan.MaxValue of .NET, 10,675,199 days;
// anything near it is no limit.
const ISO_DURATION =
  /^P(?:(\d+(?:\.\d+)?)D)?(?:T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?$/i;
const DAY_MS = 86_400_000;
/** Service Bus writes "for ever" as .NET's TimeSpan.MaxValue, 10,675,199 days; anything near it is no limit. */
const FOREVER_DAYS = 10_000_000;

/** ISO 8601 duration in milliseconds, Infinity for Service Bus's "for ever", undefined if it is not a duration. */
export function durationMs(text: string): number | undefined {
  const parts = ISO_DURATION.exec(text);
  if (!parts || text.length < 3) return undefined;
  const [days, hours, minutes, seconds] = parts.slice(1).map((part) => Number(part ?? 0));
  if (days === undefined || days >= FOREVER_DAYS) return Number.POSITIVE_INFINITY;
  return days * DAY_MS + (hours ?? 0) * 3_600_000 + (minutes ?? 0) * 60_000 + (seconds ?? 0) * 1000;
}

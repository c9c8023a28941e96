// Durations as the administration API writes them: ISO 8601, with TimeSpan.MaxValue of .NET for "never".
import { durationMs } from '../durations.ts';
import { adminErrors } from './errors.ts';

/** .NET's TimeSpan.MaxValue. */
export const FOREVER = 'P10675199DT2H48M5.4775807S';

const MS = { day: 86_400_000, hour: 3_600_000, minute: 60_000, second: 1000 } as const;

/** A duration within its limits, in the one spelling that the service answers with. */
export function timespan(
  name: string,
  text: string | undefined,
  min: number,
  max: number,
): string | undefined {
  if (text === undefined || text === '') return undefined;
  const ms = durationMs(text.trim());
  if (ms === undefined) throw adminErrors.badRequest(`The value '${text}' of ${name} is not a duration.`);
  if (ms < min || ms > max) {
    throw adminErrors.badRequest(
      `The value supplied for ${name} is invalid: it must be within ${spelled(min)} and ${spelled(max)}, and is '${text}'.`,
    );
  }
  return spelled(ms);
}

function spelled(ms: number): string {
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

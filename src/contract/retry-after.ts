// When the other side says that it may be asked again, in whichever unit it says so: seconds, milliseconds, Go's and protobuf's
// durations, dates of HTTP and of RFC 3339. Whatever a header holds, this gives nothing or a finite number of milliseconds, at
// least 0. Pure: it is told the time.

/** A month: limits of a calendar month begin anew within it. */
const MAX_WAIT_MS = 31 * 86_400_000;
/** Longer texts are no times. */
const MAX_TEXT = 64;

const NUMBER = /^\d+(?:\.\d+)?$/;
const DURATION = /^(?:\d+(?:\.\d+)?(?:h|ms|m|s|us|µs|ns))+$/;
const DURATION_PART = /(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)/g;
const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;
/** The three forms of HTTP; the last one has no zone and means GMT. */
const HTTP_DATE = /^[A-Z][a-z]{2,8},? [\w\- :]+(?: GMT)?$/;
const UNIT_MS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  ns: 1e-6,
};

/** Milliseconds from `now`; a plain number counts in `unit`. A time that is over gives 0, a text that says no time undefined. */
export function parseWait(given: unknown, unit: 's' | 'ms', now: number): number | undefined {
  const text = (typeof given === 'number' ? String(given) : typeof given === 'string' ? given : '').trim();
  if (text === '' || text.length > MAX_TEXT) return undefined;
  if (NUMBER.test(text)) return clamp(Number(text) * (UNIT_MS[unit] ?? 1));
  if (DURATION.test(text)) {
    let ms = 0;
    for (const [, count, name = ''] of text.matchAll(DURATION_PART))
      ms += Number(count) * (UNIT_MS[name] ?? 0);
    return clamp(ms);
  }
  const at = parseInstant(text);
  return at === undefined ? undefined : clamp(at - now);
}

function clamp(ms: number): number {
  return Math.min(Math.max(0, Math.ceil(ms)), MAX_WAIT_MS);
}

function parseInstant(text: string): number | undefined {
  const known = RFC_3339.test(text) || HTTP_DATE.test(text);
  const zoned = HTTP_DATE.test(text) && !text.endsWith('GMT') ? `${text} GMT` : text;
  const at = known ? Date.parse(zoned) : Number.NaN;
  return Number.isFinite(at) ? at : undefined;
}

/** Of a `Headers`, or of a record in whatever spelling. */
export function headerOf(headers: unknown, name: string): string | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined;
  const { get } = headers as { readonly get?: unknown };
  if (typeof get === 'function') {
    const value: unknown = get.call(headers, name);
    return typeof value === 'string' ? value : undefined;
  }
  const key = Object.keys(headers).find((one) => one.toLowerCase() === name);
  const value = key === undefined ? undefined : (headers as Readonly<Record<string, unknown>>)[key];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

/**
 * The latest of what is said outright: `retry-after-ms`, `retry-after`, and the delays of the body. Undefined where nothing is
 * said, or 0: with that two SDKs send three requests in 15 ms.
 */
export function saidWait(headers: unknown, delays: readonly unknown[], now: number): number | undefined {
  // By the clock of who says it, where the answer tells it.
  const from = parseInstant(headerOf(headers, 'date') ?? '') ?? now;
  return latest([
    parseWait(headerOf(headers, 'retry-after-ms'), 'ms', from),
    parseWait(headerOf(headers, 'retry-after'), 's', from),
    ...delays.map((delay) => parseWait(delay, 's', from)),
  ]);
}

/** OpenAI's (durations), Azure's (seconds) and Anthropic's (instants): when a window is whole again. */
const WINDOWS = [
  ...['requests', 'tokens'].map((what) => ['x-ratelimit-', `-${what}`] as const),
  ...['requests', 'tokens', 'input-tokens', 'output-tokens'].map(
    (what) => [`anthropic-ratelimit-${what}-`, ''] as const,
  ),
];

/** For an answer that says no more: the latest of the windows that are used up, or of all where it does not say which are. */
export function windowWait(headers: unknown, now: number): number | undefined {
  const from = parseInstant(headerOf(headers, 'date') ?? '') ?? now;
  const windows = WINDOWS.flatMap(([before, after]) => {
    const of = (what: string): string | undefined => headerOf(headers, `${before}${what}${after}`);
    const [limit, left, wait] = [of('limit'), of('remaining'), parseWait(of('reset'), 's', from)];
    // Azure has been seen to send a limit of 0 or -1: it says nothing then.
    return wait === undefined || (limit !== undefined && !(Number(limit) > 0)) ? [] : [{ left, wait }];
  });
  const used = windows.filter(({ left }) => left !== undefined && Number(left) <= 0);
  return latest((used.length > 0 ? used : windows).map(({ wait }) => wait));
}

function latest(waits: readonly (number | undefined)[]): number | undefined {
  const most = Math.max(0, ...waits.filter((wait) => wait !== undefined));
  return most > 0 ? most : undefined;
}

// The headers that providers were seen to send, each in its unit, and whatever else a header may hold.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseWait, saidWait, windowWait } from '../../../src/contract/retry-after.ts';

const NOW = Date.UTC(2026, 10, 30, 12, 0, 0);
const seed = Number(process.env['QUORATE_TEST_SEED'] ?? Date.now() % 1_000_000);
console.info(`retry-after.test: QUORATE_TEST_SEED=${seed}`);
const MONTH = 31 * 86_400_000;

describe('a wait', () => {
  it.each<[unknown, 's' | 'ms', number | undefined]>([
    ['1', 's', 1_000],
    [' 1.5 ', 's', 1_500],
    ['250', 'ms', 250],
    ['0', 's', 0],
    [37, 's', 37_000],
    ['1s', 's', 1_000],
    ['6m0s', 's', 360_000],
    ['20ms', 's', 20],
    ['1h2m3.5s', 's', 3_723_500],
    ['46s', 'ms', 46_000],
    ['9h54m', 's', 35_640_000],
    ['1.200000001s', 's', 1_201],
    ['500µs', 's', 1],
    ['2026-11-30T12:00:08Z', 's', 8_000],
    ['2026-11-30T12:00:08.250Z', 's', 8_250],
    ['2026-11-30T14:00:08+02:00', 's', 8_000],
    ['2026-11-30T11:00:00Z', 's', 0],
    ['Mon, 30 Nov 2026 12:00:09 GMT', 's', 9_000],
    ['Monday, 30-Nov-26 12:00:09 GMT', 's', 9_000],
    ['Mon Nov 30 12:00:09 2026', 's', 9_000],
    ['999999999999', 's', MONTH],
    ['-1', 's', undefined],
    ['1e3', 's', undefined],
    ['0x10', 's', undefined],
    ['NaN', 's', undefined],
    ['Infinity', 's', undefined],
    ['', 's', undefined],
    ['soon', 's', undefined],
    ['1, 2', 's', undefined],
    ['30', 's', 30_000],
    ['s', 's', undefined],
    ['Mon, 99 Nov 2026 99:99:99 GMT', 's', undefined],
    [{ seconds: 3 }, 's', undefined],
    [undefined, 's', undefined],
  ])('of %j in %s is %j', (text, unit, ms) => {
    expect(parseWait(text, unit, NOW)).toBe(ms);
  });

  it('is nothing or a finite number that is not negative, whatever stands there', () => {
    const number = fc.oneof(fc.nat(), fc.double(), fc.bigInt()).map(String);
    const parts = fc.array(fc.tuple(number, fc.constantFrom('h', 'm', 's', 'ms', 'ns', 'µs', '', 'x')));
    const date = fc.date({ noInvalidDate: true });
    const header = fc.oneof(
      fc.anything(),
      fc.string(),
      number,
      parts.map((some) => some.flat().join('')),
      date.map((at) => at.toISOString()),
      date.map((at) => at.toUTCString()),
    );
    fc.assert(
      fc.property(header, fc.constantFrom('s' as const, 'ms' as const), fc.nat(), (text, unit, now) => {
        const ms = parseWait(text, unit, now);
        return ms === undefined || (Number.isFinite(ms) && ms >= 0 && ms <= MONTH);
      }),
      { seed, numRuns: 2_000 },
    );
    const record = fc.dictionary(
      fc.constantFrom(
        'Retry-After',
        'retry-after-ms',
        'date',
        'x-ratelimit-reset-tokens',
        'x-ratelimit-limit-tokens',
      ),
      header,
    );
    fc.assert(
      fc.property(record, fc.array(header), (headers, delays) => {
        const waits = [saidWait(headers, delays, NOW), windowWait(headers, NOW)];
        return waits.every((ms) => ms === undefined || (Number.isFinite(ms) && ms > 0));
      }),
      { seed },
    );
  });
});

describe('what headers say', () => {
  it.each<[string, Record<string, string>, number | undefined]>([
    ['nothing', {}, undefined],
    ['0, which is nothing', { 'retry-after': '0', 'retry-after-ms': '0' }, undefined],
    ['the latest of several', { 'retry-after-ms': '37500', 'retry-after': '37' }, 37_500],
    ['it in any spelling', { 'Retry-After': '2' }, 2_000],
    [
      'a date, counted from their own clock',
      { 'retry-after': 'Mon, 30 Nov 2026 10:00:05 GMT', date: 'Mon, 30 Nov 2026 10:00:00 GMT' },
      5_000,
    ],
  ])('outright: %s', (_name, headers, ms) => {
    expect(saidWait(headers, [], NOW)).toBe(ms);
    expect(saidWait(new Headers(headers), [], NOW)).toBe(ms);
  });

  it.each<[string, Record<string, string>, number | undefined]>([
    [
      'OpenAI: durations',
      { 'x-ratelimit-reset-requests': '20ms', 'x-ratelimit-reset-tokens': '6m0s' },
      360_000,
    ],
    [
      'of those that are used up',
      {
        'x-ratelimit-remaining-requests': '0',
        'x-ratelimit-reset-requests': '1s',
        'x-ratelimit-remaining-tokens': '900',
        'x-ratelimit-reset-tokens': '6m0s',
      },
      1_000,
    ],
    ['Azure: seconds', { 'x-ratelimit-limit-tokens': '1000', 'x-ratelimit-reset-tokens': '11' }, 11_000],
    [
      'Azure: a limit of -1 says nothing',
      { 'x-ratelimit-limit-tokens': '-1', 'x-ratelimit-reset-tokens': '11' },
      undefined,
    ],
    ['Anthropic: instants', { 'anthropic-ratelimit-input-tokens-reset': '2026-11-30T12:00:30Z' }, 30_000],
  ])('of windows: %s', (_name, headers, ms) => {
    expect(windowWait(headers, NOW)).toBe(ms);
    expect(windowWait(new Headers(headers), NOW)).toBe(ms);
  });
});

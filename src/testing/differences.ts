// Where two outcomes differ, as data and as lines.
import type { Json } from '../contract/json.ts';

const MAX_SHOWN = 500;

export interface Difference {
  readonly at: string;
  readonly expected: Json;
  readonly actual: Json;
}

/** Where two values differ, as paths to the innermost difference. */
export function differences(expected: unknown, actual: unknown, at = ''): Difference[] {
  if (isRecord(expected) && isRecord(actual)) {
    const fields = new Set([...Object.keys(expected), ...Object.keys(actual)]);
    return [...fields].flatMap((field) =>
      differences(expected[field], actual[field], at === '' ? field : `${at}.${field}`),
    );
  }
  if (JSON.stringify(expected) === JSON.stringify(actual)) return [];
  return [{ at, expected: (expected ?? null) as Json, actual: (actual ?? null) as Json }];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function toLines(found: readonly Difference[]): string {
  return found
    .map(({ at, expected, actual }) => `  ${at}: expected ${shorten(expected)}, got ${shorten(actual)}`)
    .join('\n');
}

export function shorten(value: Json): string {
  return JSON.stringify(value).slice(0, MAX_SHOWN);
}

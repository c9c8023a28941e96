// Durations as people write them: 90s, 1h30m, 3d, 250ms.
import { InvalidArgumentError } from 'commander';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/g;

/** Milliseconds; for commander, whose error it throws. */
export function toDurationMs(text: string): number {
  const parts = [...text.matchAll(PART)];
  const rest = text.replace(PART, '');
  if (parts.length === 0 || rest !== '') {
    throw new InvalidArgumentError('A duration is written like 250ms, 90s, 1h30m or 3d.');
  }
  return parts.reduce((sum, [, amount, unit = 'ms']) => sum + Number(amount) * (UNIT_MS[unit] ?? 1), 0);
}

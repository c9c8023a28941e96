// One row of a bench, and what it says about itself. Pure: the benches measure, this words it.

/** Times and sizes stay below their target, rates reach theirs. */
export type Bound = 'below' | 'at least';

export interface Measurement {
  readonly name: string;
  /** The median where a run was repeated; null when it cannot be measured on this system. */
  readonly value: number | null;
  readonly unit: string;
  /** null = informative. */
  readonly target: number | null;
  /** On which side of the target it is met. */
  readonly bound: Bound;
  readonly met: boolean | null;
  /** Lowest and highest of the runs; null when there was one. */
  readonly spread: readonly [low: number, high: number] | null;
}

export interface Bench {
  readonly name: string;
  readonly about: string;
  readonly notMeasured: string;
  readonly run: () => Promise<readonly Measurement[]>;
}

export function measurement(
  name: string,
  unit: string,
  values: readonly number[],
  target: number | null = null,
  bound: Bound = 'below',
): Measurement {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [sorted.at(0), sorted.at(-1)];
  if (low === undefined || high === undefined)
    return { name, value: null, unit, target, bound, met: null, spread: null };
  const value = percentile(sorted, 0.5);
  const spread = sorted.length > 1 ? ([low, high] as const) : null;
  return {
    name,
    value,
    unit,
    target,
    bound,
    met: target === null ? null : isMet(value, target, bound),
    spread,
  };
}

function isMet(value: number, target: number, bound: Bound): boolean {
  return bound === 'below' ? value < target : value >= target;
}

/** What `--json` says of it. */
export function toRecord({
  name,
  value,
  unit,
  target,
  met,
  spread,
}: Measurement): Omit<Measurement, 'bound'> {
  return { name, value, unit, target, met, spread };
}

/** Nearest rank. `sorted` ascending and not empty. */
export function percentile(sorted: readonly number[], share: number): number {
  const at = Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * share) - 1));
  return sorted[at] ?? Number.NaN;
}

const SIGNS: Readonly<Record<Bound, string>> = { below: '<', 'at least': '>=' };

export function formatTable(measurements: readonly Measurement[]): string {
  const rows = measurements.map((row) => [
    row.name,
    row.value === null ? 'not measured here' : `${round(row.value)} ${row.unit}`,
    row.target === null ? '' : `${SIGNS[row.bound]} ${round(row.target)} ${row.unit}`,
    row.met === null ? '' : row.met ? 'met' : 'MISSED',
    row.spread === null ? '' : `${round(row.spread[0])} to ${round(row.spread[1])}`,
  ]);
  const table = [['name', 'value', 'target', '', 'spread'], ...rows];
  const widths = (table[0] ?? []).map((_, column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return table.map(line).join('\n');
}

function round(value: number): number {
  return value >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}

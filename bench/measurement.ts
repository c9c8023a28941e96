// One row of a bench, and what it says about itself. Pure: the benches measure, this words it.

export interface Measurement {
  readonly name: string;
  /** The median where a run was repeated; null when it cannot be measured on this system. */
  readonly value: number | null;
  readonly unit: string;
  /** Met when the value is below it; null = informative. */
  readonly target: number | null;
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
): Measurement {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [sorted.at(0), sorted.at(-1)];
  if (low === undefined || high === undefined)
    return { name, value: null, unit, target, met: null, spread: null };
  const value = percentile(sorted, 0.5);
  const spread = sorted.length > 1 ? ([low, high] as const) : null;
  return { name, value, unit, target, met: target === null ? null : value < target, spread };
}

/** Nearest rank. `sorted` ascending and not empty. */
export function percentile(sorted: readonly number[], share: number): number {
  const at = Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * share) - 1));
  return sorted[at] ?? Number.NaN;
}

export function formatTable(measurements: readonly Measurement[]): string {
  const rows = measurements.map((row) => [
    row.name,
    row.value === null ? 'not measured here' : `${round(row.value)} ${row.unit}`,
    row.target === null ? '' : `< ${row.target} ${row.unit}`,
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

// The registry as text that Prometheus reads (exposition format 0.0.4). Names are those that OpenTelemetry's own translation gives, with
// the unit and `_total`: a dashboard fits this page and a collector alike.
import type { MetricDefinition } from './definitions.ts';
import type { Family, Histogram } from './registry.ts';

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Unit -> what a name ends with. What stands in braces is no unit. */
const SUFFIXES: Readonly<Record<string, string>> = { s: 'seconds', By: 'bytes', '1': 'ratio' };

/** `quorate.turn.wait` in s -> `quorate_turn_wait_seconds`. */
export function prometheusName(
  name: string,
  { kind, unit }: Pick<MetricDefinition, 'kind' | 'unit'>,
): string {
  const own = name.replaceAll(/[^a-zA-Z0-9_]/g, '_');
  const suffix = SUFFIXES[unit];
  const withUnit = suffix === undefined || own.endsWith(`_${suffix}`) ? own : `${own}_${suffix}`;
  return kind === 'counter' ? `${withUnit}_total` : withUnit;
}

export function toPrometheus(families: readonly Family[]): string {
  return families.map(textOf).join('');
}

const TYPES = { counter: 'counter', updown: 'gauge', gauge: 'gauge', histogram: 'histogram' } as const;

function textOf({ name, definition, points, histograms }: Family): string {
  const full = prometheusName(name, definition);
  const labels = definition.labels.map((label) => label.replaceAll('.', '_'));
  const lines = [
    `# HELP ${full} ${definition.help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`,
    `# TYPE ${full} ${TYPES[definition.kind]}`,
    ...points.map((point) => `${full}${block(labels, point.labels)} ${point.value}`),
    ...histograms.flatMap((histogram) => linesOf(full, labels, histogram)),
  ];
  return `${lines.join('\n')}\n`;
}

/** In Prometheus each bucket counts what is in those before it as well. */
function linesOf(full: string, labels: readonly string[], histogram: Histogram): string[] {
  const { bounds, counts, sum, count } = histogram;
  const names = [...labels, 'le'];
  let below = 0;
  const buckets = [...bounds.map(String), '+Inf'].map((bound, at) => {
    below += counts[at] ?? 0;
    return `${full}_bucket${block(names, [...histogram.labels, bound])} ${below}`;
  });
  const own = block(labels, histogram.labels);
  return [...buckets, `${full}_sum${own} ${sum}`, `${full}_count${own} ${count}`];
}

/** A label without a value is no label. */
function block(names: readonly string[], values: readonly string[]): string {
  const pairs = names.flatMap((name, at) => {
    const value = values[at] ?? '';
    return value === '' ? [] : [`${name}="${escaped(value)}"`];
  });
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

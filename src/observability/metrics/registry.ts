// The numbers of one runtime, in one place: read as text by Prometheus (prometheus.ts) and by OpenTelemetry (otel.ts). What is counted on
// the way of a message is a plain number in an object that its part holds; what parts count already is read when somebody asks.
import {
  type CounterName,
  type HistogramName,
  type LabelValues,
  METRIC_NAMES,
  METRICS,
  type MetricDefinition,
  type MetricName,
  type NumberName,
} from './definitions.ts';

/** Series of one metric at most; what is beyond is one series, whose labels all say so. */
export const MAX_SERIES = 500;
export const OTHER = 'other';

/** Codes that are told apart in a process: an agent may throw any. */
const MAX_CODES = 50;
const CODE = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;
/** As the semantic conventions name it. */
const OTHER_CODE = '_OTHER';

/** What each value of a histogram is handed on to, with the labels of its series. */
export type Forward = (name: HistogramName, value: number, labels: readonly string[]) => void;

export class Counter {
  readonly labels: readonly string[];
  value = 0;

  constructor(labels: readonly string[]) {
    this.labels = labels;
  }

  add(count = 1): void {
    this.value += count;
  }
}

export class Histogram {
  readonly name: HistogramName;
  readonly labels: readonly string[];
  readonly bounds: readonly number[];
  /** Not cumulative; the last one is of what is beyond all bounds. */
  readonly counts: number[];
  sum = 0;
  count = 0;
  /** Set while somebody else keeps a histogram of it too. */
  forward: Forward | undefined;

  constructor(name: HistogramName, labels: readonly string[]) {
    this.name = name;
    this.labels = labels;
    this.bounds = METRICS[name].buckets;
    this.counts = Array.from({ length: this.bounds.length + 1 }, () => 0);
  }

  /** Two clocks may disagree: less than nothing counts as nothing. */
  record(value: number): void {
    const measured = value > 0 ? value : 0;
    const { bounds, counts } = this;
    let at = 0;
    while (at < bounds.length && measured > (bounds[at] as number)) at++;
    (counts[at] as number)++;
    this.sum += measured;
    this.count++;
    this.forward?.(this.name, measured, this.labels);
  }
}

export interface Point {
  readonly labels: readonly string[];
  readonly value: number;
}

/** One metric as it stands. Either `points` or `histograms` are filled. */
export interface Family {
  readonly name: MetricName;
  readonly definition: MetricDefinition;
  readonly points: readonly Point[];
  readonly histograms: readonly Histogram[];
}

export type Emit<N extends MetricName> = (value: number, ...labels: LabelValues<N>) => void;

interface Source {
  readonly name: NumberName;
  readonly read: (emit: (value: number, ...labels: string[]) => void) => void;
}

export class Registry {
  readonly #histograms = new Map<MetricName, Map<string, Histogram>>();
  readonly #counters = new Map<MetricName, Map<string, Counter>>();
  readonly #sources: Source[] = [];
  readonly #codes = new Set<string>();
  #forward: Forward | undefined;

  /** The same one for the same labels. Keep it where values come often. */
  histogram<N extends HistogramName>(name: N, ...labels: LabelValues<N>): Histogram {
    return seriesOf(this.#histograms, name, labels, (bounded) => {
      const made = new Histogram(name, bounded);
      made.forward = this.#forward;
      return made;
    });
  }

  counter<N extends CounterName>(name: N, ...labels: LabelValues<N>): Counter {
    return seriesOf(this.#counters, name, labels, (bounded) => new Counter(bounded));
  }

  /** What is counted elsewhere: read each time that somebody asks. Values of the same labels add up. */
  read<N extends NumberName>(name: N, read: (emit: Emit<N>) => void): void {
    this.#sources.push({ name, read: read as Source['read'] });
  }

  /** A code as a label: those that are too many, or no codes, are one. */
  code(code: string): string {
    if (this.#codes.has(code)) return code;
    if (this.#codes.size >= MAX_CODES || !CODE.test(code)) return OTHER_CODE;
    this.#codes.add(code);
    return code;
  }

  /** Of all series of a metric that is counted here. */
  sum(name: CounterName): number {
    let sum = 0;
    for (const { value } of this.#counters.get(name)?.values() ?? []) sum += value;
    return sum;
  }

  /** From now on each value of a histogram goes there as well; undefined ends that. */
  forwardTo(forward: Forward | undefined): void {
    this.#forward = forward;
    for (const series of this.#histograms.values())
      for (const histogram of series.values()) histogram.forward = forward;
  }

  /** All metrics that have a value, in the order of their definitions. */
  collect(): readonly Family[] {
    const numbers = this.#numbers();
    return METRIC_NAMES.flatMap((name) => {
      const histograms = [...(this.#histograms.get(name)?.values() ?? [])];
      const points = [...(numbers.get(name)?.values() ?? [])];
      if (histograms.length === 0 && points.length === 0) return [];
      return [{ name, definition: METRICS[name], histograms, points }];
    });
  }

  #numbers(): Map<MetricName, Map<string, Counter>> {
    const numbers = new Map<MetricName, Map<string, Counter>>();
    const add = (name: MetricName, value: number, labels: readonly string[]): void => {
      if (!Number.isFinite(value)) return;
      seriesOf(numbers, name, labels, (bounded) => new Counter(bounded)).value += value;
    };
    for (const [name, series] of this.#counters)
      for (const { value, labels } of series.values()) add(name, value, labels);
    for (const { name, read } of this.#sources) read((value, ...labels) => add(name, value, labels));
    return numbers;
  }
}

function seriesOf<T>(
  all: Map<MetricName, Map<string, T>>,
  name: MetricName,
  labels: readonly string[],
  make: (labels: readonly string[]) => T,
): T {
  let series = all.get(name);
  if (series === undefined) {
    series = new Map();
    all.set(name, series);
  }
  const key = labels.join('\0');
  const known = series.get(key);
  if (known !== undefined) return known;
  const isFull = labels.length > 0 && series.size >= MAX_SERIES - 1;
  const bounded = isFull ? labels.map(() => OTHER) : labels;
  const boundedKey = bounded.join('\0');
  const made = series.get(boundedKey) ?? make(bounded);
  series.set(boundedKey, made);
  return made;
}

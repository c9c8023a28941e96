// The registry as instruments of OpenTelemetry, by the API alone and only what its version 1.9 has. The API has no stand-in for a meter
// provider that comes later: an instrument that is made too soon counts nothing for ever. So whether there is a provider is looked at again
// and again, and instruments are made when there is one, and anew when there is another.
import {
  type Attributes,
  type BatchObservableResult,
  createNoopMeter,
  type Meter,
  type MeterProvider,
  metrics,
  type Observable,
} from '@opentelemetry/api';
import { readVersion } from '../../common/version.ts';
import {
  type HistogramName,
  METRIC_NAMES,
  METRICS,
  type MetricDefinition,
  type MetricName,
} from './definitions.ts';
import type { Point, Registry } from './registry.ts';

const METER = 'quorate';
/** A provider that is registered late is seen within that. */
const LOOK_MS = 1_000;

/**
 * One for all runtimes of a process: an SDK adds up what several record, but of what several observe under one name and the same labels it
 * keeps the last. What a stopped runtime counted is still part of the sums.
 */
export class MeterExport {
  readonly #registries = new Set<Registry>();
  /** What runtimes that have stopped have counted. */
  readonly #gone = new Map<string, number>();
  readonly #provider: () => MeterProvider;
  #seen: MeterProvider | undefined;
  #detach: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(provider: () => MeterProvider = () => metrics.getMeterProvider()) {
    this.#provider = provider;
  }

  add(registry: Registry): void {
    this.#registries.add(registry);
    this.#timer ??= setInterval(() => this.look(), LOOK_MS).unref();
    // It takes part in what is there already.
    this.#seen = undefined;
    this.look();
  }

  remove(registry: Registry): void {
    if (!this.#registries.delete(registry)) return;
    registry.forwardTo(undefined);
    for (const { name, definition, points } of registry.collect())
      if (definition.kind === 'counter')
        for (const point of points) addTo(this.#gone, keyOf(name, point), point.value);
    if (this.#registries.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#release();
    this.#seen = undefined;
  }

  /** Whether the provider is another one than before. */
  look(): void {
    const provider = this.#provider();
    if (provider === this.#seen) return;
    this.#seen = provider;
    this.#release();
    const meter = provider.getMeter(METER, readVersion());
    if (meter !== createNoopMeter()) this.#detach = this.#attach(meter);
  }

  #release(): void {
    this.#detach?.();
    this.#detach = undefined;
    for (const registry of this.#registries) registry.forwardTo(undefined);
  }

  #attach(meter: Meter): () => void {
    const observed = new Map<MetricName, Observable>();
    const histograms = new Map<HistogramName, ReturnType<Meter['createHistogram']>>();
    for (const name of METRIC_NAMES) {
      const definition: MetricDefinition = METRICS[name];
      if (definition.kind === 'histogram')
        histograms.set(name as HistogramName, meter.createHistogram(name, optionsOf(definition)));
      else observed.set(name, observableOf(meter, name, definition));
    }
    const known = new WeakMap<readonly string[], Attributes>();
    const attributes = (name: HistogramName, labels: readonly string[]): Attributes => {
      const made = known.get(labels) ?? attributesOf(METRICS[name].labels, labels);
      known.set(labels, made);
      return made;
    };
    for (const registry of this.#registries)
      registry.forwardTo((name, value, labels) =>
        histograms.get(name)?.record(value, attributes(name, labels)),
      );
    const observe = (result: BatchObservableResult): void => this.#observe(result, observed);
    const all = [...observed.values()];
    meter.addBatchObservableCallback(observe, all);
    return () => meter.removeBatchObservableCallback(observe, all);
  }

  #observe(result: BatchObservableResult, observed: ReadonlyMap<MetricName, Observable>): void {
    const sums = new Map(this.#gone);
    for (const registry of this.#registries)
      for (const { name, points, definition } of registry.collect())
        for (const point of points) {
          const key = keyOf(name, point);
          // A gauge does not add up: the last one that says it counts.
          if (definition.kind === 'gauge') sums.set(key, point.value);
          else addTo(sums, key, point.value);
        }
    for (const [key, value] of sums) {
      const [name, ...labels] = key.split('\0') as [MetricName, ...string[]];
      const instrument = observed.get(name);
      if (instrument !== undefined)
        result.observe(instrument, value, attributesOf(METRICS[name].labels, labels));
    }
  }
}

/** Of this process. */
export const meterExport = new MeterExport();

function optionsOf({ help, unit, buckets }: MetricDefinition) {
  return {
    description: help,
    unit,
    // Without them an SDK takes buckets for milliseconds.
    ...(buckets === undefined ? {} : { advice: { explicitBucketBoundaries: [...buckets] } }),
  };
}

function observableOf(meter: Meter, name: MetricName, definition: MetricDefinition): Observable {
  const options = optionsOf(definition);
  if (definition.kind === 'counter') return meter.createObservableCounter(name, options);
  return definition.kind === 'updown'
    ? meter.createObservableUpDownCounter(name, options)
    : meter.createObservableGauge(name, options);
}

function attributesOf(names: readonly string[], values: readonly string[]): Attributes {
  const attributes: Attributes = {};
  names.forEach((name, at) => {
    const value = values[at] ?? '';
    if (value !== '') attributes[name] = value;
  });
  return attributes;
}

function keyOf(name: MetricName, { labels }: Point): string {
  return [name, ...labels].join('\0');
}

function addTo(sums: Map<string, number>, key: string, value: number): void {
  sums.set(key, (sums.get(key) ?? 0) + value);
}

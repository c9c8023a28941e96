import type { MeterProvider as ApiProvider } from '@opentelemetry/api';
import { createNoopMeter } from '@opentelemetry/api';
import * as sdk from '@opentelemetry/sdk-metrics';
import { afterEach, describe, expect, it } from 'vitest';
import { MeterExport } from '../../../../src/observability/metrics/otel.ts';
import { Registry } from '../../../../src/observability/metrics/registry.ts';

function collector() {
  const exporter = new sdk.InMemoryMetricExporter(sdk.AggregationTemporality.CUMULATIVE);
  const reader = new sdk.PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new sdk.MeterProvider({ readers: [reader] });
  /** The newest value of each series. */
  const read = async (): Promise<Record<string, unknown>> => {
    exporter.reset();
    await provider.forceFlush();
    const all = exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
    return Object.fromEntries(
      all.flatMap(({ descriptor, dataPoints }) =>
        dataPoints.map(({ attributes, value }) => [`${descriptor.name}${JSON.stringify(attributes)}`, value]),
      ),
    );
  };
  return { provider, read, end: () => provider.shutdown() };
}

const ended: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0)) await end();
});

function exportTo(given: { provider: ApiProvider }): MeterExport {
  return new MeterExport(() => given.provider);
}

const NOBODY: ApiProvider = { getMeter: () => createNoopMeter() };

describe('the registry as instruments', () => {
  it('counts what comes once there is a provider, and shows all that was counted before', async () => {
    const given = { provider: NOBODY };
    const registry = new Registry();
    const meters = exportTo(given);
    meters.add(registry);
    ended.push(() => meters.remove(registry));
    const wait = registry.histogram('quorate.turn.wait', 'order');
    wait.record(1);
    registry.counter('quorate.turns.poisoned', 'order').add(3);
    let held = 7;
    registry.read('quorate.actors.held', (emit) => emit(held, 'order'));
    registry.read('quorate.limit.open', (emit) => emit(1, 'model'));

    const one = collector();
    ended.push(one.end);
    given.provider = one.provider;
    meters.look();
    wait.record(0.02);
    registry.histogram('quorate.task.duration', 'charge', 'done').record(2);
    const seen = await one.read();
    expect(seen['quorate.turns.poisoned{"type":"order"}']).toBe(3);
    expect(seen['quorate.actors.held{"type":"order"}']).toBe(7);
    expect(seen['quorate.limit.open{"limit":"model"}']).toBe(1);
    // A histogram of OpenTelemetry cannot be given what was recorded before it was made.
    expect(seen['quorate.turn.wait{"type":"order"}']).toMatchObject({ count: 1, sum: 0.02 });
    expect(seen['quorate.task.duration{"agent":"charge","outcome":"done"}']).toMatchObject({
      count: 1,
      sum: 2,
    });
    const { buckets } = seen['quorate.turn.wait{"type":"order"}'] as { buckets: { boundaries: number[] } };
    expect(buckets.boundaries).toEqual(wait.bounds);

    const two = collector();
    ended.push(two.end);
    given.provider = two.provider;
    meters.look();
    wait.record(0.5);
    held = 9;
    const next = await two.read();
    expect(next['quorate.turn.wait{"type":"order"}']).toMatchObject({ count: 1, sum: 0.5 });
    expect(next['quorate.actors.held{"type":"order"}']).toBe(9);
    expect((await one.read())['quorate.turn.wait{"type":"order"}']).toMatchObject({ count: 1 });
    expect((await one.read())['quorate.actors.held{"type":"order"}']).toBe(7);

    given.provider = NOBODY;
    meters.look();
    wait.record(0.5);
    expect(wait.forward).toBeUndefined();
    expect((await two.read())['quorate.turn.wait{"type":"order"}']).toMatchObject({ count: 1 });
  });

  it('adds up several runtimes of a process, and keeps what one has counted that has stopped', async () => {
    const one = collector();
    ended.push(one.end);
    const meters = exportTo(one);
    const [first, second] = [new Registry(), new Registry()];
    for (const [at, registry] of [first, second].entries()) {
      registry.counter('quorate.turns.poisoned', 'order').add(at + 1);
      registry.read('quorate.actors.held', (emit) => emit(10, 'order'));
      registry.read('quorate.load.share', (emit) => emit(0.5, 'tasks'));
      meters.add(registry);
      ended.push(() => meters.remove(registry));
    }
    const together = await one.read();
    expect(together['quorate.turns.poisoned{"type":"order"}']).toBe(3);
    expect(together['quorate.actors.held{"type":"order"}']).toBe(20);
    expect(together['quorate.load.share{"kind":"tasks"}']).toBe(0.5);
    meters.remove(first);
    const alone = await one.read();
    expect(alone['quorate.turns.poisoned{"type":"order"}']).toBe(3);
    expect(alone['quorate.actors.held{"type":"order"}']).toBe(10);
    first.histogram('quorate.turn.wait', 'order').record(1);
    expect(await one.read()).not.toHaveProperty(['quorate.turn.wait{"type":"order"}']);
  });
});

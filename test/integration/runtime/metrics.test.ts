// A real runtime, scraped: its text is read strictly, OpenTelemetry has the same numbers, and so have the runtime's own counters.
import { metrics as api } from '@opentelemetry/api';
import * as sdk from '@opentelemetry/sdk-metrics';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { METRICS, type MetricName } from '../../../src/observability/metrics/definitions.ts';
import { prometheusName } from '../../../src/observability/metrics/prometheus.ts';
import { parsePrometheusText, seriesKey, type TextFamily, valueOf } from '../../kit/prometheus-text.ts';
import { app, startRuntime } from '../../kit/runtime.ts';

const exporter = new sdk.InMemoryMetricExporter(sdk.AggregationTemporality.CUMULATIVE);
const provider = new sdk.MeterProvider({
  readers: [new sdk.PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })],
});
let attempts = 0;
const gate = Promise.withResolvers<void>();

const config = {
  healthPort: 0,
  queueMetricsMs: 5_000,
  prices: { tiny: { inputPerMillion: 1, outputPerMillion: 2, at: '2026-11-01' } },
  limits: { model: { concurrent: 4 } },
  machines: {
    counter: app('counter.machine.ts', 'counter'),
    gather: app('gathering.machine.ts', 'gatherAll'),
    order: app('order.machine.ts', 'order'),
  },
  agents: {
    oracle: {
      model: 'tiny',
      limit: 'model',
      retry: { backoffMs: 0 },
      run: async (_: unknown, { usage }: { usage: (used: object) => void }) => {
        usage({ inputTokens: 1_000, outputTokens: 500 });
        attempts += 1;
        if (attempts === 1) throw Object.assign(new Error('not today'), { code: 'E_MOOD' });
        return { right: true };
      },
    },
    charge: {
      concurrency: 1,
      run: async () => {
        await gate.promise;
        return 1;
      },
    },
    ship: { run: async () => 1 },
  },
} as const;

let started: Awaited<ReturnType<typeof startRuntime<typeof config>>>;
beforeAll(async () => {
  api.setGlobalMeterProvider(provider);
  started = await startRuntime(config, {
    metrics: () => '# HELP own_total Mine.\n# TYPE own_total counter\nown_total 3\n',
  });
}, 60_000);
afterAll(async () => {
  gate.resolve();
  await started[Symbol.asyncDispose]();
  await provider.shutdown();
  api.disable();
});

async function scrape(): Promise<ReadonlyMap<string, TextFamily>> {
  const response = await fetch(`${started.runtime.info.health}/metrics`);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  return parsePrometheusText(await response.text());
}

it('what a runtime did is on /metrics, in its counters and in OpenTelemetry: the same numbers', async () => {
  const { client } = started.runtime;
  await client.start('counter', { id: 'one', input: { from: 0 } });
  for (let at = 0; at < 5; at++) await client.send('counter', 'one', { type: 'add', by: 1 });
  await client.send('counter', 'one', { type: 'finish' });
  await client.result('counter', 'one');
  await client.run('gather', { id: 'g', input: { items: [1, 2, 3, 4] } });

  const idle = async () => {
    const families = await scrape();
    return (
      valueOf(families, 'quorate_agent_slots', { agent: 'oracle', state: 'used' }) === 0 &&
      valueOf(families, 'quorate_actors_held', { type: 'gather' }) === 0
    );
  };
  await expect.poll(idle, { timeout: 20_000 }).toBe(true);
  const families = await scrape();
  const counters = started.runtime.counters();
  const turns = ['counter', 'gather', 'control', 'order'].map((type) =>
    valueOf(families, 'quorate_turns_total', { type }),
  );
  expect(turns.reduce((sum, one) => sum + one, 0)).toBe(counters.actors.applied);
  expect(turns[0]).toBeGreaterThanOrEqual(7);
  expect(valueOf(families, 'quorate_turn_wait_seconds_count', { type: 'counter' })).toBe(turns[0]);
  const commits = (families.get('quorate_commit_duration_seconds')?.samples ?? []).filter(({ name }) =>
    name.endsWith('_count'),
  );
  expect(commits.reduce((sum, { value }) => sum + value, 0)).toBe(counters.actors.commits);
  const of = (name: string, labels: Record<string, string>): number => valueOf(families, name, labels);
  expect(of('quorate_actors_started_total', { type: 'counter' })).toBe(1);
  expect(of('quorate_actor_duration_seconds_count', { type: 'counter', status: 'done' })).toBe(1);
  expect(of('quorate_gather_duration_seconds_count', { type: 'gather', outcome: 'all' })).toBe(1);
  expect(of('quorate_gather_branches_total', { type: 'gather', outcome: 'ok' })).toBe(4);
  expect(of('quorate_task_attempts_total', { agent: 'oracle', outcome: 'done' })).toBe(4);
  expect(
    of('quorate_task_attempts_total', { agent: 'oracle', outcome: 'failed', error_type: 'E_MOOD' }),
  ).toBe(1);
  expect(of('quorate_tasks_total', { agent: 'oracle', event: 'retried' })).toBe(1);
  expect(of('quorate_agent_tokens_total', { agent: 'oracle', direction: 'input' })).toBe(5_000);
  expect(of('quorate_agent_cost_total', { agent: 'oracle', model: 'tiny' })).toBeCloseTo(0.01);
  expect(of('quorate_limit_calls_total', { limit: 'model', outcome: 'granted' })).toBe(5);
  expect(of('quorate_session_accepts_total', { entity: 'actor.counter' })).toBeGreaterThanOrEqual(1);
  expect(of('quorate_state_bytes_count', { type: 'counter' })).toBeGreaterThanOrEqual(1);
  expect(valueOf(families, 'own_total')).toBe(3);
  expect(started.runtime.metrics()).toContain('quorate_turns_total{type="counter"}');

  await provider.forceFlush();
  const series = exporter
    .getMetrics()
    .at(-1)
    ?.scopeMetrics.find(({ scope }) => scope.name === 'quorate')?.metrics;
  expect(series?.length).toBeGreaterThan(20);
  for (const { descriptor, dataPoints } of series ?? []) {
    const definition = METRICS[descriptor.name as MetricName];
    // These move by themselves.
    if (/pool|event_loop|connections|queue|load|renewals/.test(descriptor.name)) continue;
    const name = prometheusName(descriptor.name, definition);
    for (const { attributes, value } of dataPoints) {
      const labels = Object.fromEntries(
        Object.entries(attributes).map(([key, text]) => [key.replace('.', '_'), String(text)]),
      );
      const same = (end: string): number => {
        const key = seriesKey(`${name}${end}`, labels);
        const found = families.get(name)?.samples.find((one) => seriesKey(one.name, one.labels) === key);
        return found?.value ?? Number.NaN;
      };
      if (typeof value === 'number')
        expect(value, `${name} ${JSON.stringify(labels)}`).toBeCloseTo(same(''), 9);
      else expect((value as { count: number }).count, name).toBe(same('_count'));
    }
  }
}, 60_000);

it('who scales by an agent is told what its queue has, and the depth of all queues is on /metrics', async () => {
  const { client, info } = started.runtime;
  for (let at = 0; at < 3; at++) await client.start('order', { id: `o${at}` });
  const scale = async () => (await fetch(`${info.health}/scale/charge`)).json();
  await expect
    .poll(scale, { timeout: 20_000, interval: 500 })
    .toMatchObject({ agent: 'charge', messages: 3, running: 1, waiting: 2, slots: 1, by: 'manage' });
  const { oldestSeconds } = (await scale()) as { oldestSeconds: number };
  expect(oldestSeconds).toBeGreaterThanOrEqual(0);
  const depth = async () =>
    valueOf(await scrape(), 'quorate_queue_active', { entity: 'agent.charge', by: 'manage' });
  await expect.poll(depth, { timeout: 20_000, interval: 500 }).toBe(3);
  const families = await scrape();
  expect(valueOf(families, 'quorate_queue_age_seconds', { entity: 'agent.charge' })).toBeGreaterThanOrEqual(
    0,
  );
  expect(valueOf(families, 'quorate_queue_active', { entity: 'agent.ship' })).toBe(0);
  expect((await fetch(`${info.health}/scale/nobody`)).status).toBe(404);
  gate.resolve();
  const scheduled = async () => valueOf(await scrape(), 'quorate_queue_scheduled', { entity: 'actor.order' });
  await expect.poll(scheduled, { timeout: 20_000, interval: 500 }).toBe(3);
}, 90_000);

it('a health port that is taken fails the start, in one line', async () => {
  const { port } = new URL(started.runtime.info.health ?? '');
  const taken = startRuntime({ ...config, healthPort: Number(port) });
  await expect(taken).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(/^healthPort: .*EADDRINUSE/),
  });
}, 30_000);

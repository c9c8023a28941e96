import { describe, expect, it } from 'vitest';
import {
  METRIC_NAMES,
  METRICS,
  type MetricDefinition,
} from '../../../../src/observability/metrics/definitions.ts';
import { prometheusName, toPrometheus } from '../../../../src/observability/metrics/prometheus.ts';
import { MAX_SERIES, OTHER, Registry } from '../../../../src/observability/metrics/registry.ts';
import { parsePrometheusText, valueOf } from '../../../kit/prometheus-text.ts';

const definitions: [string, MetricDefinition][] = METRIC_NAMES.map((name) => [name, METRICS[name]]);

describe('the definitions', () => {
  it.each(definitions)('%s: a name, a unit and labels that both readers take', (name, definition) => {
    expect(name).toMatch(/^quorate(\.[a-z]+(_[a-z]+)*)+$/);
    expect(definition.unit).toMatch(/^(s|By|1||\{[A-Za-z]+\})$/);
    for (const label of definition.labels) expect(label).toMatch(/^[a-z]+(\.[a-z]+)?$/);
    expect(definition.help).toMatch(/^[A-Z1].*\.$/);
    const { buckets = [] } = definition;
    expect(buckets.length > 0).toBe(definition.kind === 'histogram');
    expect(buckets).toEqual([...buckets].sort((a, b) => a - b));
  });

  it('have names of their own in Prometheus too', () => {
    const names = definitions.map(([name, definition]) => prometheusName(name, definition));
    expect(new Set(names).size).toBe(names.length);
    expect(prometheusName('quorate.turn.wait', METRICS['quorate.turn.wait'])).toBe(
      'quorate_turn_wait_seconds',
    );
    expect(prometheusName('quorate.state.bytes', METRICS['quorate.state.bytes'])).toBe('quorate_state_bytes');
    expect(prometheusName('quorate.turns', METRICS['quorate.turns'])).toBe('quorate_turns_total');
    expect(prometheusName('quorate.agent.cost', METRICS['quorate.agent.cost'])).toBe(
      'quorate_agent_cost_total',
    );
    expect(prometheusName('quorate.load.share', METRICS['quorate.load.share'])).toBe(
      'quorate_load_share_ratio',
    );
  });
});

describe('the registry', () => {
  it('puts each value into the first bucket that it fits, bounds included', () => {
    const registry = new Registry();
    const wait = registry.histogram('quorate.turn.wait', 'order');
    for (const value of [0, 0.005, 0.006, 0.01, 299, 300, 301, -5, Number.NaN]) wait.record(value);
    const families = parsePrometheusText(toPrometheus(registry.collect()));
    const below = (le: string): number => valueOf(families, 'quorate_turn_wait_seconds_bucket', { le });
    expect([below('0.005'), below('0.01'), below('60'), below('300'), below('+Inf')]).toEqual([
      4, 6, 6, 8, 9,
    ]);
    expect(valueOf(families, 'quorate_turn_wait_seconds_sum')).toBeCloseTo(900.021);
    expect(registry.histogram('quorate.turn.wait', 'order')).toBe(wait);
  });

  it('adds up what is counted here and what is read elsewhere, under the same labels', () => {
    const registry = new Registry();
    registry.counter('quorate.dead_letters', 'agent.a', 'TASK_FAILED').add();
    registry.counter('quorate.dead_letters', 'agent.a', 'TASK_FAILED').add(2);
    registry.counter('quorate.dead_letters', 'agent.b', 'TASK_FAILED').add();
    let held = 1;
    registry.read('quorate.actors.held', (emit) => emit(held, 'order'));
    registry.read('quorate.actors.held', (emit) => emit(10, 'order'));
    registry.read('quorate.queue.age', (emit) => emit(Number.NaN, 'agent.a', 'peek'));
    held = 2;
    const families = parsePrometheusText(toPrometheus(registry.collect()));
    expect(valueOf(families, 'quorate_dead_letters_total', { entity: 'agent.a' })).toBe(3);
    expect(valueOf(families, 'quorate_actors_held')).toBe(12);
    expect([...families.keys()]).not.toContain('quorate_queue_age_seconds');
    expect(registry.sum('quorate.dead_letters')).toBe(4);
  });

  it('has a bound for the series of a metric: what is beyond is one series, and nothing is lost', () => {
    const registry = new Registry();
    const count = MAX_SERIES * 2;
    for (let at = 0; at < count; at++) {
      registry.counter('quorate.turns.poisoned', `type${at}`).add();
      registry.histogram('quorate.turn.wait', `type${at}`).record(1);
    }
    registry.read('quorate.agent.slots', (emit) => {
      for (let at = 0; at < count; at++) emit(1, `agent${at}`, 'used');
    });
    for (const { name, points, histograms } of registry.collect()) {
      const all = [...points, ...histograms.map(({ labels, count: value }) => ({ labels, value }))];
      expect(all.length, name).toBe(MAX_SERIES);
      expect(
        all.reduce((sum, { value }) => sum + value, 0),
        name,
      ).toBe(count);
      expect(all.at(-1)?.labels[0], name).toBe(OTHER);
    }
    registry.counter('quorate.turns.poisoned', OTHER).add();
    expect(registry.sum('quorate.turns.poisoned')).toBe(count + 1);
  });

  it('takes codes as labels, and what looks like none or is one too many as one', () => {
    const registry = new Registry();
    expect(registry.code('TASK_FAILED')).toBe('TASK_FAILED');
    for (const code of ['', 'no model at 10.0.0.7', '7up', 'x'.repeat(65), 'a\nb'])
      expect(registry.code(code)).toBe('_OTHER');
    const many = Array.from({ length: 200 }, (_, at) => registry.code(`E${at}`));
    expect(new Set(many).size).toBeLessThanOrEqual(50);
    expect(registry.code('TASK_FAILED')).toBe('TASK_FAILED');
  });

  it('writes labels as text that means the same when it is read', () => {
    const registry = new Registry();
    const odd = 'a"b\\c\nd}';
    registry.counter('quorate.task.attempts', odd, 'done', '').add();
    const families = parsePrometheusText(toPrometheus(registry.collect()));
    expect(families.get('quorate_task_attempts_total')?.samples[0]?.labels).toEqual({
      agent: odd,
      outcome: 'done',
    });
  });
});

// Dashboards, alert rules and the workbook name metrics that exist, with labels that they have; and the dashboard shows each metric.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  METRIC_NAMES,
  METRICS,
  type MetricDefinition,
} from '../../../src/observability/metrics/definitions.ts';
import { prometheusName } from '../../../src/observability/metrics/prometheus.ts';

const read = (name: string): string =>
  readFileSync(new URL(`../../../observability/${name}`, import.meta.url), 'utf8');

interface Known {
  readonly metric: string;
  readonly labels: readonly string[];
}

/** Name of a series in Prometheus -> its metric. */
const SERIES = new Map<string, Known>(
  METRIC_NAMES.flatMap((metric): [string, Known][] => {
    const definition: MetricDefinition = METRICS[metric];
    const name = prometheusName(metric, definition);
    const labels = definition.labels.map((label) => label.replaceAll('.', '_'));
    if (definition.kind !== 'histogram') return [[name, { metric, labels }]];
    return [
      [`${name}_bucket`, { metric, labels: [...labels, 'le'] }],
      [`${name}_sum`, { metric, labels }],
      [`${name}_count`, { metric, labels }],
    ];
  }),
);
/** Those that a scrape adds. */
const SCRAPED = ['job', 'instance'];

/** What is wrong with an expression, and the metrics that it names. */
function examine(expression: string): { readonly wrong: string[]; readonly metrics: string[] } {
  const wrong: string[] = [];
  const found = [...expression.matchAll(/\b(quorate_\w+)(?:\{([^}]*)\})?/g)].map(
    ([, name = '', selector = '']) => {
      const known = SERIES.get(name);
      if (known === undefined) wrong.push(`there is no ${name}`);
      for (const [, label = ''] of selector.matchAll(/(\w+)\s*[=!]~?"/g))
        if (known !== undefined && ![...known.labels, ...SCRAPED].includes(label))
          wrong.push(`${name} has no ${label}`);
      return known;
    },
  );
  const labels = new Set([...found.flatMap((known) => known?.labels ?? []), ...SCRAPED]);
  for (const [, by = ''] of expression.matchAll(/\bby \(([^)]*)\)/g))
    for (const label of by.split(','))
      if (!labels.has(label.trim())) wrong.push(`by ${label} in ${expression}`);
  return { wrong, metrics: found.flatMap((known) => known?.metric ?? []) };
}

it('what does not exist is found', () => {
  expect(examine('rate(quorate_turn_total{type="a"}[5m])').wrong).toEqual(['there is no quorate_turn_total']);
  expect(examine('quorate_turn_wait_seconds').wrong).toHaveLength(1);
  expect(examine('sum by (agent) (quorate_turns_total{actor="a/1"})').wrong).toEqual([
    'quorate_turns_total has no actor',
    'by agent in sum by (agent) (quorate_turns_total{actor="a/1"})',
  ]);
});

describe('grafana.json', () => {
  interface Panel {
    readonly id: number;
    readonly type: string;
    readonly title: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets?: readonly { readonly expr: string; readonly legendFormat?: string }[];
  }
  const dashboard = JSON.parse(read('grafana.json')) as {
    readonly panels: readonly Panel[];
    readonly templating: {
      readonly list: readonly { readonly name: string; readonly definition?: string }[];
    };
  };
  const panels = dashboard.panels.filter(({ type }) => type !== 'row');
  const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

  it('names what exists', () => {
    const definitions = dashboard.templating.list.flatMap(({ definition }) => definition ?? []);
    expect([...expressions, ...definitions].flatMap((expression) => examine(expression).wrong)).toEqual([]);
  });

  it('shows each metric, and legends name labels of their query', () => {
    const shown = new Set(expressions.flatMap((expression) => examine(expression).metrics));
    expect(METRIC_NAMES.filter((name) => !shown.has(name))).toEqual([]);
    for (const { targets = [] } of panels)
      for (const { expr, legendFormat = '' } of targets)
        for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
          expect(expr + 'instance kind', legendFormat).toContain(label);
  });

  it('has panels that do not lie on each other', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)}:${y + Math.floor(at / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(Math.max(...dashboard.panels.map(({ gridPos: { x, w } }) => x + w))).toBeLessThanOrEqual(24);
  });
});

describe('alerts.yaml', () => {
  const rules = read('alerts.yaml')
    .split(/^ {6}- alert: /m)
    .slice(1);

  it.each(rules.map((rule) => [rule.split('\n')[0], rule]))(
    '%s names what exists, and says what to do',
    (_, rule) => {
      const [, expression = ''] = /expr: (?:>-\n)?(.*?)\n {8}(?:for|labels):/s.exec(rule) ?? [];
      const { wrong, metrics } = examine(expression);
      expect([wrong, metrics.length > 0]).toEqual([[], true]);
      expect(rule).toMatch(/severity: (critical|warning|info)/);
      expect(rule).toMatch(/summary: \S/);
      expect(rule).toMatch(/action: \S/);
      for (const [, label = ''] of rule.matchAll(/\$labels\.(\w+)/g))
        expect(expression).toMatch(new RegExp(`by \\([^)]*${label}`));
    },
  );

  it('are all seen here', () => {
    expect(rules.length).toBe(read('alerts.yaml').match(/alert:/g)?.length);
    expect(rules.length).toBeGreaterThan(10);
  });
});

describe('azure-workbook.json', () => {
  const workbook = JSON.parse(read('azure-workbook.json')) as {
    readonly items: readonly {
      readonly type: number;
      readonly name: string;
      readonly content: { readonly query?: string };
    }[];
  };
  const queries = workbook.items.flatMap(({ content: { query } }) => query ?? []);

  it('names what exists', () => {
    expect(queries.length).toBeGreaterThan(20);
    for (const query of queries) {
      const names = [...query.matchAll(/'(quorate\.[\w.]+)'/g)].map(([, name = '']) => name);
      expect(names.filter((name) => !Object.hasOwn(METRICS, name))).toEqual([]);
      const labels = names.flatMap(
        (name) => METRICS[name as keyof typeof METRICS].labels as readonly string[],
      );
      const used = [...query.matchAll(/customDimensions\['([^']+)'\]/g)].map(([, label = '']) => label);
      expect(
        used.filter((label) => !labels.includes(label)),
        query,
      ).toEqual([]);
      expect(names.length).toBeGreaterThan(0);
    }
  });

  it('asks sums of counters, means of histograms, and the last of what stands', () => {
    for (const query of queries) {
      const [, name = ''] = /in \('([^']+)'\)/.exec(query) ?? [];
      const { kind }: MetricDefinition = METRICS[name as keyof typeof METRICS];
      if (kind === 'histogram') expect(query).toContain('sum(valueSum) / sum(valueCount)');
      else if (kind === 'counter') expect(query).toContain('sum(valueSum) by');
      else expect(query).toMatch(/max\(valueMax\)|min\(valueMin\)/);
    }
  });
});

// The table of docs/metrics.md is made of the definitions. After a change of those: `npx vitest run test/unit/project/metrics.test.ts -u`.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import {
  METRIC_NAMES,
  METRICS,
  type MetricDefinition,
} from '../../../src/observability/metrics/definitions.ts';
import { prometheusName } from '../../../src/observability/metrics/prometheus.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const PAGE = `${ROOT}/docs/metrics.md`;
const HEADING = '## All metrics\n';

const HEAD = `
| OpenTelemetry | Prometheus | kind | unit | labels | what it is |
| --- | --- | --- | --- | --- | --- |
`;

function row(name: string, definition: MetricDefinition): string {
  const { kind, unit, labels, help } = definition;
  const cells = [
    `\`${name}\``,
    `\`${prometheusName(name, definition)}\``,
    kind,
    unit,
    labels.map((label) => `\`${label}\``).join(', '),
    help,
  ];
  return `| ${cells.join(' | ')} |\n`;
}

it('docs/metrics.md has every metric', async () => {
  const [prose = ''] = readFileSync(PAGE, 'utf8').split(HEADING);
  const rows = METRIC_NAMES.map((name) => row(name, METRICS[name]));
  await expect(`${prose}${HEADING}${HEAD}${rows.join('')}`).toMatchFileSnapshot(PAGE);
});

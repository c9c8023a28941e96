// docs/configuration.md and the schema of the configuration say the same.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { configSchema, ENVIRONMENT } from '../../../src/config/schema.ts';

const page = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');

interface Row {
  readonly field: string;
  readonly variable: string;
  readonly fallback: string;
}

/** The rows of the table under a heading, as cells without backticks. */
function table(heading: string): readonly Row[] {
  const section = page.split(/^## /m).find((part) => part.startsWith(heading)) ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  return rows.map((row) => {
    const [field = '', second = '', third = ''] = row
      .split('|')
      .slice(1)
      .map((cell) => cell.trim().replaceAll('`', ''));
    return { field, variable: second, fallback: third };
  });
}

const fields = table('Fields');

describe('docs/configuration.md', () => {
  it('has exactly the fields of the schema', () => {
    expect(fields.map(({ field }) => field)).toEqual(Object.keys(configSchema.shape));
  });

  it('has exactly the variables of the environment', () => {
    const documented = fields.filter(({ variable }) => variable !== '');
    expect(Object.fromEntries(documented.map(({ variable, field }) => [variable, field]))).toEqual(
      ENVIRONMENT,
    );
  });

  it('says the default of every field that has one', () => {
    const defaults = Object.entries(resolveConfig({ machines: {} })).filter(
      ([field]) => field !== 'machines',
    );
    for (const [field, value] of defaults) {
      const row = fields.find((one) => one.field === field);
      const text = typeof value === 'string' ? `'${value}'` : JSON.stringify(value);
      expect(row?.fallback.split(';')[0], field).toBe(text);
    }
  });

  it('has exactly the common fields of agents', () => {
    const agent = {
      run: () => 1,
      concurrency: 1,
      timeoutMs: 1,
      deadlineMs: 1,
      exclusive: true,
      retry: { attempts: 1, backoffMs: 1, maxBackoffMs: 1, budget: { share: 1, perSecond: 1 } },
      lane: { weights: { acme: 2 } },
      model: 'm',
      estimate: () => ({}),
      limit: 'l',
    };
    const accepted = Object.keys(
      resolveConfig({ machines: {}, limits: { l: { concurrent: 1 } }, agents: { agent } }).agents['agent'] ??
        {},
    );
    const documented = table('Agents').map(({ field }) => field);
    expect(new Set([...documented, 'run'])).toEqual(new Set(accepted));
  });
});

import { expect, it } from 'vitest';
import { createThrottledWarn, WARNING_INTERVAL_MS } from '../../../otel/warn.ts';

it('warns once a minute for each kind, and says how many it held back', () => {
  const lines: string[] = [];
  let now = 0;
  const warn = createThrottledWarn(
    (line) => lines.push(line),
    () => now,
  );
  warn('export', 'one');
  warn('export', 'two');
  warn('queue', 'full');
  now = WARNING_INTERVAL_MS - 1;
  warn('export', 'three');
  expect(lines).toEqual(['telemetry: one', 'telemetry: full']);
  now = WARNING_INTERVAL_MS;
  warn('export', 'four');
  expect(lines.at(-1)).toBe('telemetry: four (2 such warnings held back)');
});

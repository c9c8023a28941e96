// The patterns of this repository, explored: however often a host dies on the way, they come to the same. planted.test.ts
// runs the first of them with faults planted in the source.
import { expect, it } from 'vitest';
import { exploreCrashes } from '../../../src/testing/index.ts';
import { gather, order, trip } from './scenarios.ts';

const LIMIT_MS = 240_000;
const OPTIONS = { parallel: 8, timeoutMs: 30_000 };

it('an order with a timer of three days survives everything', { timeout: LIMIT_MS }, async () => {
  const printed: string[] = [];
  const { places, runs, faults } = await exploreCrashes(order, {
    ...OPTIONS,
    print: (line) => printed.push(line),
  });
  expect(places).toBeGreaterThan(20);
  expect(runs).toBe(Object.values(faults).reduce((sum, { tried, missed }) => sum + tried + missed, 0));
  // Whether several messages are received at once is a matter of time.
  const { abandoned: _abandoned, ...always } = faults;
  expect(Object.keys(always)).toHaveLength(9);
  for (const { tried } of Object.values(always)) expect(tried).toBeGreaterThan(0);
  expect(printed[0]).toMatch(/^explored \d+ places in \d+ runs/);
});

it('a gather survives crashes and lost locks', { timeout: LIMIT_MS }, async () => {
  const { faults } = await exploreCrashes(gather, {
    ...OPTIONS,
    faults: ['crash', 'abandoned'],
    print: () => {},
  });
  expect(faults.crash?.tried).toBeGreaterThan(10);
});

it('a saga is undone once, however it is disturbed', { timeout: LIMIT_MS }, async () => {
  const { faults } = await exploreCrashes(trip, {
    ...OPTIONS,
    faults: ['crash'],
    print: () => {},
  });
  expect(faults.crash?.tried).toBeGreaterThan(10);
});

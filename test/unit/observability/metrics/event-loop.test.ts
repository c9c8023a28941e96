import { afterEach, expect, it, vi } from 'vitest';
import { readEventLoop, watchEventLoop } from '../../../../src/observability/metrics/event-loop.ts';
import { Registry } from '../../../../src/observability/metrics/registry.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

it('says how late and how busy the event loop was, the same to all who ask within a window', async () => {
  const registry = new Registry();
  const loop = watchEventLoop();
  readEventLoop(registry, loop);
  let now = 1_000;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  const read = () =>
    registry
      .collect()
      .flatMap(({ name, points }) =>
        points.map(({ labels, value }) => [`${name} ${labels.join()}`.trim(), value] as const),
      );
  // Nobody has asked before: nothing is known.
  expect(read()).toEqual([]);
  const busyUntil = Date.now() + 150;
  await new Promise((resolve) => setTimeout(resolve, 60));
  while (Date.now() < busyUntil);
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(read()).toEqual([]);
  now += 10_000;
  const first = Object.fromEntries(read());
  expect(Object.keys(first)).toEqual([
    'quorate.event_loop.delay p50',
    'quorate.event_loop.delay p99',
    'quorate.event_loop.delay max',
    'quorate.event_loop.utilization',
  ]);
  const { 'quorate.event_loop.delay max': max = 0, 'quorate.event_loop.utilization': busy = 0 } = first;
  expect(max).toBeGreaterThan(0.02);
  expect(busy).toBeGreaterThan(0);
  expect(busy).toBeLessThanOrEqual(1);
  now += 5_000;
  expect(Object.fromEntries(read())).toEqual(first);
  loop.close();
});

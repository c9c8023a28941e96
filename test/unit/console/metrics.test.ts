import { afterEach, expect, it, vi } from 'vitest';
import { createIndexMetrics } from '../../../src/console/metrics.ts';
import type { IndexStatus, TypeSummary } from '../../../src/console/protocol.ts';
import { parsePrometheusText, valueOf } from '../../kit/prometheus-text.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const TYPES: TypeSummary[] = [
  { type: 'order', counts: { quarantined: 1, waiting: 7 }, versions: {}, served: [] },
  { type: 'review', counts: { done: 2 }, versions: {}, served: [] },
];

function start(status: Partial<IndexStatus> = {}) {
  const said: string[] = [];
  const asked = { count: 0, fails: false };
  const metrics = createIndexMetrics({
    index: {
      types: async () => {
        asked.count += 1;
        if (asked.fails) throw new Error('closed');
        return TYPES;
      },
    },
    keeper: {
      status: async () => ({ actors: 10, mode: 'writing', refused: 3, bytes: 1, lagMs: 1_500, ...status }),
    },
    logger: { debug: (message) => void said.push(message) },
    now: () => 0,
  });
  const read = (name: string, labels = {}): number => {
    const text = metrics.text();
    return text === '' ? Number.NaN : valueOf(parsePrometheusText(text), name, labels);
  };
  return { metrics, asked, said, read };
}

it('has how many actors there are, and how the index is fed, as it was when it was asked last', async () => {
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  const { metrics, asked, read } = start();
  // Who asks first is told nothing yet, and asks the index for all who come.
  expect(metrics.text()).toBe('');
  await vi.waitFor(() => expect(read('quorate_index_lag_seconds')).toBe(1.5));
  expect(read('quorate_actors', { type: 'order', shown: 'quarantined' })).toBe(1);
  expect(read('quorate_actors', { type: 'order', shown: 'waiting' })).toBe(7);
  expect(read('quorate_actors', { type: 'review', shown: 'done' })).toBe(2);
  expect(read('quorate_index_refused_total')).toBe(3);
  expect(asked.count).toBe(1);
  now = 10_000;
  metrics.text();
  await vi.waitFor(() => expect(asked.count).toBe(2));
  metrics.close();
});

it('says nothing where another console keeps the index, and fails nobody where it cannot be asked', async () => {
  const other = start({ mode: 'reading' });
  await other.metrics.refresh();
  expect([other.metrics.text(), other.asked.count]).toEqual(['', 0]);
  other.metrics.close();
  const { metrics, asked, said } = start();
  asked.fails = true;
  expect(metrics.text()).toBe('');
  await vi.waitFor(() => expect(said).toEqual(['the index was not counted']));
  metrics.close();
});

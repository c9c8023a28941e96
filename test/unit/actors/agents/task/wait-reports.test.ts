// What a process tells of the waits in its agents' queues: the least of each since it said so last, an empty queue once, and nothing at
// rest. Time is the test's.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createWaitReports } from '../../../../../src/actors/agents/task/wait-reports.ts';
import { SILENT } from '../../../../../src/contract/ports.ts';

const INTERVAL_MS = 400;
const STEP_MS = INTERVAL_MS / 4;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp(isLimited = false) {
  const told: unknown[] = [];
  const running = { count: 0 };
  const reports = createWaitReports({
    maxWaitMs: 50,
    intervalMs: INTERVAL_MS,
    logger: SILENT,
    mailbox: {
      tell: async (_to, event) => {
        told.push((event as unknown as { least: unknown }).least);
      },
    },
  });
  const agent = { concurrency: 2, isLimited: () => isLimited, running: () => running.count };
  const of = { a: reports.of('a', agent), b: reports.of('b', agent) };
  const took = (name: 'a' | 'b', waitedMs: number): void =>
    of[name]({ enqueuedAt: 1_000, deliveredAt: 1_000 + waitedMs });
  return { told, running, took, reports };
}

describe('waits in the queues of a process', () => {
  it('are told a few times an interval, the least of each agent', () => {
    const { told, running, took } = setUp();
    running.count = 2;
    took('a', 90);
    took('a', 30);
    took('b', 700);
    vi.advanceTimersByTime(STEP_MS);
    took('a', 800);
    vi.advanceTimersByTime(STEP_MS);
    expect(told).toEqual([{ a: 30, b: 700 }, { a: 800 }]);
  });

  it('are none once there is a free place and nothing comes, which is said once', () => {
    const { told, running, took } = setUp();
    running.count = 2;
    took('a', 90);
    // Both places are taken: nobody knows how long the next one waits.
    vi.advanceTimersByTime(3 * STEP_MS);
    expect(told).toEqual([{ a: 90 }]);
    running.count = 1;
    vi.advanceTimersByTime(10 * STEP_MS);
    expect(told).toEqual([{ a: 90 }, { a: 0 }]);
    running.count = 0;
    vi.advanceTimersByTime(10 * STEP_MS);
    expect([told.length, vi.getTimerCount()]).toEqual([2, 0]);
    took('a', 20);
    vi.advanceTimersByTime(STEP_MS);
    expect(told.at(-1)).toEqual({ a: 20 });
  });

  it('of an agent with a limit are only those that were seen', () => {
    const { told, took } = setUp(true);
    took('a', 90);
    vi.advanceTimersByTime(10 * STEP_MS);
    expect([told, vi.getTimerCount()]).toEqual([[{ a: 90 }], 0]);
  });

  it('are by the broker’s clock alone, and never less than nothing', () => {
    const { told, took, reports } = setUp();
    took('a', -5);
    vi.advanceTimersByTime(STEP_MS);
    expect(told).toEqual([{ a: 0 }]);
    took('a', 1);
    reports.stop();
    vi.advanceTimersByTime(10 * STEP_MS);
    expect(told).toHaveLength(1);
  });
});

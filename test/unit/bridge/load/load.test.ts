import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Load } from '../../../../src/bridge/load/load.ts';

const LOCK_MS = 5_000;
const WINDOW_MS = LOCK_MS / 10;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp() {
  const said: string[] = [];
  const load = new Load({
    lockDurationMs: LOCK_MS,
    time: { instant: () => ({ monotonicMs: Date.now(), wallMs: Date.now() }) },
    logger: {
      debug() {},
      info: (text) => void said.push(text),
      warn: (text) => void said.push(text),
      error() {},
    },
  });
  const changes: number[] = [];
  load.onChange(() => changes.push(load.tasks(64)));
  return { load, said, changes };
}

it('allows all while locks are kept, and says nothing', async () => {
  const { load, said, changes } = setUp();
  load.take();
  for (let n = 0; n < 20; n++) {
    load.renewed(0.5);
    load.served(10);
    await vi.advanceTimersByTimeAsync(WINDOW_MS / 2);
  }
  expect(load.tasks(64)).toBe(64);
  expect(said).toEqual([]);
  expect(changes.filter((allowed) => allowed < 64)).toEqual([]);
});

it('gives up half for each window with a lost lock, at once, and takes it back step by step', async () => {
  const { load, said, changes } = setUp();
  load.take();
  for (let n = 0; n < 2; n++) {
    load.lost();
    await vi.advanceTimersByTimeAsync(WINDOW_MS / 5);
  }
  expect(changes).toEqual([32, 16]);
  await vi.advanceTimersByTimeAsync(25 * WINDOW_MS);
  expect(load.tasks(64)).toBe(64);
  expect(said).toEqual([expect.stringContaining('takes less on'), expect.stringContaining('again')]);
});

it('takes a renewal that came late for a warning', async () => {
  const { load } = setUp();
  load.take();
  load.renewed(0.1);
  await vi.advanceTimersByTimeAsync(WINDOW_MS);
  expect(load.tasks(64)).toBe(32);
});

it('sees that its own event loop is late', async () => {
  const { load } = setUp();
  load.take();
  await vi.advanceTimersByTimeAsync(WINDOW_MS / 5);
  // The process gets no time.
  vi.setSystemTime(Date.now() + 1_000);
  await vi.advanceTimersByTimeAsync(WINDOW_MS);
  expect(load.lagMs).toBeGreaterThanOrEqual(1_000);
  expect(load.tasks(64)).toBe(32);
});

it('runs no timer while nothing is held, and has forgotten what was too much when work comes again', async () => {
  const { load } = setUp();
  load.take();
  load.lost();
  await vi.advanceTimersByTimeAsync(WINDOW_MS);
  load.release();
  expect(vi.getTimerCount()).toBe(0);
  expect(load.tasks(64)).toBeLessThan(64);
  await vi.advanceTimersByTimeAsync(20 * WINDOW_MS);
  load.take();
  expect(load.tasks(64)).toBe(64);
  load.release();
});

it('takes few sessions at first, one more for each batch that was in time, and half of that after a loss', async () => {
  const { load } = setUp();
  expect(load.sessions(64)).toBe(8);
  load.take();
  for (let batch = 0; batch < 8; batch++) load.served(10);
  expect(load.sessions(64)).toBe(16);
  load.served(LOCK_MS * 0.6);
  expect(load.sessions(64)).toBe(16);
  load.lost();
  await vi.advanceTimersByTimeAsync(WINDOW_MS);
  expect(load.sessions(64)).toBe(8);
  load.release();
  await vi.advanceTimersByTimeAsync(2 * LOCK_MS);
  load.take();
  // A batch adds a whole one again: what was too much so long ago says nothing of now.
  load.served(10);
  load.served(10);
  expect(load.sessions(64)).toBe(10);
  load.release();
});

it('takes more sessions with time as well, when they only wait', async () => {
  const { load } = setUp();
  load.take();
  await vi.advanceTimersByTimeAsync(25 * WINDOW_MS);
  expect(load.sessions(64)).toBe(64);
  load.release();
});

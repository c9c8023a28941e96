import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  allowedOf,
  grown,
  Load,
  nextShare,
  type Observed,
  type Share,
  UNPROVEN,
  WHOLE,
} from '../../../../src/bridge/load/load.ts';

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

//

const QUIET: Observed = { lost: 0, near: 0, served: 0, slow: 0, lagMs: 0 };
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const seen = fc.record({
  lost: fc.nat(5),
  near: fc.nat(5),
  served: fc.nat(50),
  slow: fc.nat(50),
  lagMs: fc.nat(5_000),
});

describe('the share of what may be held', () => {
  const next = (now: number, more: Partial<Observed>): number =>
    nextShare({ now, threshold: 1 }, { ...QUIET, ...more }, LOCK_MS).now;

  it.each<[what: string, seen: Partial<Observed>, from: number, to: number]>([
    ['a quiet window adds a twenty-fifth', {}, 0.5, 0.54],
    ['and never more than all', {}, 0.97, 1],
    ['a lost lock halves it', { lost: 1 }, 1, 0.5],
    ['so does one that was nearly lost', { near: 1 }, 1, 0.5],
    ['and many at once are one event', { lost: 64, near: 3 }, 1, 0.5],
    ['slow batches halve it, when most are', { served: 6, slow: 4 }, 1, 0.5],
    ['but not a few slow machines', { served: 3, slow: 3 }, 0.5, 0.54],
    ['nor slow ones among many quick ones', { served: 100, slow: 10 }, 0.5, 0.54],
    ['a late event loop adds nothing', { lagMs: 300 }, 0.5, 0.5],
    ['a very late one halves it', { lagMs: 1_000 }, 1, 0.5],
    ['down to an eighth', { lagMs: 1_000 }, 0.15, 0.125],
    ['and never raises it', { lagMs: 1_000 }, 0.01, 0.01],
  ])('%s', (_, more, from, to) => {
    expect(next(from, more)).toBeCloseTo(to, 10);
  });

  it('falls with trouble, rises without, and is whole again after some quiet locks', () => {
    fc.assert(
      fc.property(fc.array(seen, { maxLength: 40 }), (windows) => {
        let share = 1;
        for (const window of windows) {
          const before = share;
          share = next(before, window);
          expect(share).toBeGreaterThan(0);
          expect(share).toBeLessThanOrEqual(1);
          if (window.lost + window.near > 0) expect(share).toBeLessThan(before + Number.EPSILON);
        }
        for (let quiet = 0; quiet < 25; quiet++) share = next(share, {});
        expect(share).toBe(1);
      }),
      { seed },
    );
  });
});

describe('the share of sessions', () => {
  const served = (share: Share, batches: number): Share => {
    let after = share;
    for (let batch = 0; batch < batches; batch++) after = grown(after);
    return after;
  };
  const cut = (share: Share, more: Partial<Observed> = { lost: 1 }): Share =>
    nextShare(share, { ...QUIET, ...more }, LOCK_MS);

  it('begins small, and each batch in time adds a session: twice as many with each round', () => {
    expect(allowedOf(64, UNPROVEN.now)).toBe(8);
    let allowed = 8;
    let share = UNPROVEN;
    for (; allowed < 64; allowed *= 2) {
      share = served(share, allowed);
      expect(allowedOf(64, share.now)).toBe(2 * allowed);
    }
    expect(served(share, 100).now).toBe(1);
  });

  it('grows to where it went wrong as quickly, and slowly beyond', () => {
    const less = served(cut(WHOLE), 0);
    expect(less).toEqual({ now: 0.5, threshold: 0.5 });
    expect(allowedOf(64, served(less, 32).now)).toBe(32);
    expect(allowedOf(64, served(less, 33).now)).toBe(33);
    const least = cut(cut(less));
    expect(allowedOf(64, least.now)).toBe(8);
    // One session a round of all that are held.
    expect(allowedOf(64, served(least, 9).now)).toBe(9);
    expect(allowedOf(64, served(least, 20).now)).toBe(10);
  });

  it('gives up what a late event loop cannot serve, and no more', () => {
    expect(cut(WHOLE, { lagMs: 300 }).now).toBe(1);
    expect(cut(WHOLE, { lagMs: 1_000 }).now).toBe(0.5);
    expect(cut(UNPROVEN, { lagMs: 5_000 })).toBe(UNPROVEN);
  });

  it('lets one be held, whatever happens, from which it grows again', () => {
    let share = WHOLE;
    for (let window = 0; window < 100; window++) share = cut(share, { lost: 9 });
    expect(allowedOf(64, share.now)).toBe(1);
    expect(allowedOf(1, share.now)).toBe(1);
    expect(allowedOf(64, served(share, 4).now)).toBeGreaterThan(1);
    expect(served(share, 5_000).now).toBe(1);
  });

  it('stays above nothing and below all', () => {
    const step = fc.oneof(seen, fc.nat(200));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let share = UNPROVEN;
        for (const one of steps)
          share = typeof one === 'number' ? served(share, one) : nextShare(share, one, LOCK_MS);
        expect(share.now).toBeGreaterThan(0);
        expect(share.now).toBeLessThanOrEqual(1);
      }),
      { seed },
    );
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LeaseKeeper } from '../../../../src/bridge/session/lease-keeper.ts';
import type { Instant } from '../../../../src/bridge/time/lease.ts';

const LOCK_MS = 30_000;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

interface World {
  readonly keeper: LeaseKeeper;
  readonly renewals: number[];
  readonly ends: string[];
}

type Renew = (patienceMs: number) => Promise<number | undefined>;

/** A keeper of a lock granted now, on the fake clock. */
async function keep(renew: Renew, lockedUntilMs = Date.now() + LOCK_MS): Promise<World> {
  const renewals: number[] = [];
  const ends: string[] = [];
  const startedAt = Date.now();
  const keeper = await LeaseKeeper.start({
    configuredMs: LOCK_MS,
    lockedUntilMs,
    time: { instant: (): Instant => ({ monotonicMs: Date.now() - startedAt, wallMs: Date.now() }) },
    renew: (patienceMs) => {
      renewals.push(Date.now() - startedAt);
      return renew(patienceMs);
    },
    onOver: (why) => ends.push(why),
  });
  return { keeper, renewals, ends };
}

const granted: Renew = () => Promise.resolve(Date.now() + LOCK_MS);

describe('LeaseKeeper', () => {
  it('renews at half of the lease, for as long as it is kept', async () => {
    const { keeper, renewals, ends } = await keep(granted);
    await vi.advanceTimersByTimeAsync(60_000);
    keeper.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(renewals).toEqual([15_000, 30_000, 45_000, 60_000]);
    expect(ends).toEqual([]);
  });

  it('counts the new lease from when the renewal was sent, not from its answer', async () => {
    const slow: Renew = async () => {
      await vi.advanceTimersByTimeAsync(5_000);
      return Date.now() + LOCK_MS;
    };
    const { keeper, renewals } = await keep(slow);
    await vi.advanceTimersByTimeAsync(15_000);
    // Sent at 15 s, answered at 20 s: the next one 15 s after the sending.
    await vi.advanceTimersByTimeAsync(10_000);
    expect(renewals[1]).toBe(30_000);
    keeper.stop();
  });

  it('tries again after a failure, and gives up when the lease is over', async () => {
    const { keeper, renewals, ends } = await keep(() => Promise.reject(new Error('busy')));
    await vi.advanceTimersByTimeAsync(40_000);
    expect(renewals).toEqual([15_000, 18_000, 21_000, 24_000, 27_000]);
    expect(ends).toEqual(['the lease is over']);
    expect(await keeper.isSafe()).toBe(false);
  });

  it('survives a renewal that is never answered, when a later one is', async () => {
    let first = true;
    const { keeper, ends } = await keep((patienceMs) => {
      if (!first) return granted(patienceMs);
      first = false;
      return new Promise((resolve) => {
        setTimeout(resolve, patienceMs, undefined);
      });
    });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(ends).toEqual([]);
    expect(await keeper.isSafe()).toBe(true);
    keeper.stop();
  });

  it('is over at once when the service says that the lock is lost', async () => {
    const lost = Object.assign(new Error('gone'), { code: 'SessionLockLost' });
    const { keeper, ends } = await keep(() => Promise.reject(lost));
    await vi.advanceTimersByTimeAsync(15_000);
    expect(ends).toEqual(['the service says that the lock is lost']);
    expect(await keeper.isSafe()).toBe(false);
  });

  it('is over without asking after a freeze longer than the lease', async () => {
    const { keeper, renewals, ends } = await keep(granted);
    // The process stood still: the clock went on, the timers did not.
    vi.setSystemTime(Date.now() + 60_000);
    expect(await keeper.isSafe()).toBe(false);
    expect(ends).toEqual(['the lease is over']);
    expect(renewals).toEqual([]);
  });

  it('renews before a write when too little of the lease is left', async () => {
    const { keeper, renewals } = await keep(granted);
    vi.setSystemTime(Date.now() + 28_000);
    expect(await keeper.isSafe()).toBe(true);
    expect(renewals).toEqual([28_000]);
    keeper.stop();
  });

  it('renews before its first use when the clocks disagree', async () => {
    const { keeper, renewals } = await keep(granted, Date.now() - 10_000);
    expect(renewals).toEqual([0]);
    expect(await keeper.isSafe()).toBe(true);
    keeper.stop();
  });

  it('writes nothing under a grant that came late, until a renewal says that the lock is still held', async () => {
    let answers = false;
    const { keeper, renewals } = await keep(
      (patienceMs) => (answers ? granted(patienceMs) : Promise.resolve(undefined)),
      Date.now() + 500,
    );
    expect(keeper.phase()).toBe('closing');
    expect(await keeper.isSafe()).toBe(false);
    answers = true;
    await vi.advanceTimersByTimeAsync(3_000);
    expect(renewals).toEqual([0, 0, 3_000]);
    expect(await keeper.isSafe()).toBe(true);
    keeper.stop();
  });
});

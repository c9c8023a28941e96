import { describe, expect, it } from 'vitest';
import { createBrokerClock, skewText } from '../../../../src/bridge/time/clocks.ts';
import { createRandom } from '../../../kit/random.ts';

const HOUR_MS = 3_600_000;
const NOON = 1_700_000_000_000;

/** A machine whose clock is off by `skewMs`, and whose monotonic clock began somewhere. */
function machine(skewMs: number, rate = 1) {
  let elapsed = 0;
  const skews: number[] = [];
  const clock = createBrokerClock({
    system: { now: () => NOON + elapsed + skewMs },
    monotonic: () => 12_345 + elapsed * rate,
    onSkew: (aheadMs) => skews.push(aheadMs),
  });
  return {
    clock,
    skews,
    pass: (ms: number) => void (elapsed += ms),
    broker: () => NOON + elapsed,
    /** News of a lock that took `delayMs` to get here. */
    grant: (delayMs = 0) => clock.granted(NOON + elapsed - delayMs),
  };
}

describe('the clock of the broker', () => {
  it('is this machine’s own until the broker has been heard of, and the broker’s from then on', () => {
    for (const skewMs of [0, 120_000, -HOUR_MS, 20 * 365 * 24 * HOUR_MS]) {
      const one = machine(skewMs);
      expect(one.clock.now()).toBe(NOON + skewMs);
      one.pass(10);
      one.grant();
      expect(one.clock.now()).toBe(one.broker());
      one.pass(HOUR_MS);
      expect(one.clock.now()).toBe(one.broker());
    }
  });

  it('never goes back, is never ahead, and is late by no more than the quickest news of its window took', () => {
    const random = createRandom();
    for (let run = 0; run < 100; run++) {
      const one = machine((random.below(3) - 1) * random.below(2 * HOUR_MS));
      one.grant(random.below(50));
      let last = one.clock.now();
      let best = 50;
      for (let step = 0; step < 200; step++) {
        one.pass(random.below(60));
        const delay = random.below(20) === 0 ? random.below(4_000) : random.below(50);
        one.grant(delay);
        best = Math.min(best, delay);
        const now = one.clock.now();
        const said = `QUORATE_TEST_SEED=${random.seed}, run ${run}, step ${step}`;
        expect(now, said).toBeGreaterThanOrEqual(last);
        expect(one.broker() - now, said).toBeGreaterThanOrEqual(0);
        expect(one.broker() - now, said).toBeLessThanOrEqual(50);
        last = now;
      }
      expect(best).toBeLessThan(50);
    }
  });

  it('follows a clock that drifts, and one that is set', () => {
    const drifting = machine(0, 1.000_1);
    for (let second = 0; second < 600; second++) {
      drifting.grant();
      drifting.pass(1_000);
    }
    expect(Math.abs(drifting.clock.now() - drifting.broker())).toBeLessThan(5);
    const set = machine(0);
    set.grant();
    for (let second = 0; second < 12; second++) {
      set.pass(1_000);
      set.grant(HOUR_MS);
      set.clock.now();
    }
    expect(set.broker() - HOUR_MS - set.clock.now()).toBe(0);
  });

  it('is told of more by what has been reached, and of less by nothing that is long past', () => {
    const one = machine(HOUR_MS);
    one.clock.reached(one.broker());
    expect(one.clock.now()).toBe(NOON + HOUR_MS);
    one.grant(2_000);
    one.clock.reached(one.broker() - 100);
    expect(one.clock.now()).toBe(one.broker() - 100);
    for (let second = 0; second < 60; second++) {
      one.pass(1_000);
      one.clock.reached(NOON);
    }
    expect(one.clock.now()).toBe(one.broker() - 100);
    one.clock.granted(Number.NaN);
    one.clock.reached(Number.POSITIVE_INFINITY);
    expect(one.clock.now()).toBe(one.broker() - 100);
  });

  it('is the given one where that skips: it is the broker’s own', () => {
    let now = 5;
    const clock = createBrokerClock({ system: { now: () => now, skips: true }, onSkew: () => {} });
    clock.granted(NOON);
    now = 99;
    expect(clock.now()).toBe(99);
    expect(clock.skips).toBe(true);
  });
});

describe('a skew', () => {
  it('of some seconds is said once, with what to do', () => {
    for (const skewMs of [120_000, -HOUR_MS]) {
      const one = machine(skewMs);
      for (let n = 0; n < 5; n++) {
        one.grant();
        one.pass(1_000);
      }
      expect(one.skews).toEqual([skewMs]);
    }
    expect(skewText(120_400)).toMatch(/^this machine's clock is 120 s ahead of the broker's: .* NTP$/);
    expect(skewText(-3_600_000)).toMatch(/^this machine's clock is 3600 s behind the broker's/);
  });

  it('of less is nobody’s business', () => {
    const one = machine(1_000);
    one.grant(300);
    expect(one.skews).toEqual([]);
    // One late word is no skew.
    one.pass(10_000);
    one.grant(9_000);
    one.pass(1_000);
    one.grant();
    expect(one.skews).toEqual([]);
  });
});

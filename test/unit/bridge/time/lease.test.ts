import { describe, expect, it } from 'vitest';
import {
  elapsedMs,
  type Instant,
  leasePhase,
  observeLock,
  remainingMs,
  renewInMs,
} from '../../../../src/bridge/time/lease.ts';

const at = (monotonicMs: number, wallMs = monotonicMs): Instant => ({ monotonicMs, wallMs });
const lease = { sentAt: at(1_000), durationMs: 30_000 };

describe('lease', () => {
  it('counts from the instant its request was sent', () => {
    expect(remainingMs(lease, at(1_000))).toBe(30_000);
    expect(remainingMs(lease, at(11_000))).toBe(20_000);
  });

  it('believes whichever clock saw more time go by', () => {
    expect(elapsedMs(at(0, 0), at(10, 5_000))).toBe(5_000);
    // The wall clock was set back: the monotonic one still counts.
    expect(elapsedMs(at(0, 0), at(7_000, -3_600_000))).toBe(7_000);
  });

  it('does not count time that a virtual clock skipped', () => {
    expect(elapsedMs(at(0, 0), { ...at(10, 86_400_000), skips: true })).toBe(10);
  });

  it('is over after a jump forward of the wall clock, or a freeze of the process', () => {
    expect(leasePhase(lease, at(1_010, 3_600_000))).toBe('over');
    expect(leasePhase(lease, at(41_000))).toBe('over');
    expect(leasePhase(lease, at(31_000))).toBe('over');
  });

  it('closes for new writes a tenth of its duration before its end', () => {
    expect(leasePhase(lease, at(27_900))).toBe('safe');
    expect(leasePhase(lease, at(28_100))).toBe('closing');
    expect(leasePhase(lease, at(30_999))).toBe('closing');
  });

  it('is to be renewed at half of it', () => {
    expect(renewInMs(lease, at(1_000))).toBe(15_000);
    expect(renewInMs(lease, at(10_000))).toBe(6_000);
    expect(renewInMs(lease, at(16_000))).toBe(0);
    expect(renewInMs(lease, at(90_000))).toBe(0);
  });
});

describe('observeLock', () => {
  it('takes what was configured when the service names that expiry or a later one', () => {
    expect(observeLock(30_000, 130_000, 100_000)).toEqual({ durationMs: 30_000, clockAhead: false });
    expect(observeLock(30_000, 400_000, 100_000)).toEqual({ durationMs: 30_000, clockAhead: false });
  });

  it('shortens the lease when the lock is shorter than configured', () => {
    expect(observeLock(30_000, 110_000, 100_000)).toEqual({ durationMs: 10_000, clockAhead: false });
  });

  it('learns nothing from an expiry that no lock of the service could have', () => {
    expect(observeLock(30_000, 103_000, 100_000)).toEqual({ durationMs: 30_000, clockAhead: true });
    expect(observeLock(30_000, 40_000, 100_000)).toEqual({ durationMs: 30_000, clockAhead: true });
  });
});

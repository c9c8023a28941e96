import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allowedOf, nextShare, type Observed } from '../../../src/bridge/load-control.ts';

const LOCK_MS = 5_000;
const QUIET: Observed = { lost: 0, near: 0, served: 0, slow: 0, lagMs: 0 };
const next = (share: number, seen: Partial<Observed>): number =>
  nextShare(share, { ...QUIET, ...seen }, LOCK_MS);

describe('the share of what may be held', () => {
  it.each<[what: string, seen: Partial<Observed>, from: number, to: number]>([
    ['a quiet window adds a tenth', {}, 0.5, 0.6],
    ['and never more than all', {}, 0.95, 1],
    ['a lost lock halves it', { lost: 1 }, 1, 0.5],
    ['so does one that was nearly lost', { near: 1 }, 1, 0.5],
    ['and many at once are one event', { lost: 64, near: 3 }, 1, 0.5],
    ['slow batches halve it, when most are', { served: 6, slow: 4 }, 1, 0.5],
    ['but not a few slow machines', { served: 3, slow: 3 }, 0.5, 0.6],
    ['nor slow ones among many quick ones', { served: 100, slow: 10 }, 0.5, 0.6],
    ['a late event loop adds nothing', { lagMs: 300 }, 0.5, 0.5],
    ['a very late one halves it', { lagMs: 1_000 }, 1, 0.5],
    ['down to an eighth', { lagMs: 1_000 }, 0.15, 0.125],
    ['and never raises it', { lagMs: 1_000 }, 0.01, 0.01],
  ])('%s', (_, seen, from, to) => {
    expect(next(from, seen)).toBeCloseTo(to, 10);
  });

  it('lets one be held, whatever happens', () => {
    let share = 1;
    for (let window = 0; window < 100; window++) share = next(share, { lost: 9 });
    expect(allowedOf(64, share)).toBe(1);
    expect(allowedOf(1, share)).toBe(1);
    expect(allowedOf(64, 1)).toBe(64);
  });

  it('falls with trouble, rises without, and is whole again after ten quiet windows', () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
    const seen = fc.record({
      lost: fc.nat(5),
      near: fc.nat(5),
      served: fc.nat(50),
      slow: fc.nat(50),
      lagMs: fc.nat(5_000),
    });
    fc.assert(
      fc.property(fc.array(seen, { maxLength: 40 }), (windows) => {
        let share = 1;
        for (const window of windows) {
          const before = share;
          share = nextShare(before, window, LOCK_MS);
          expect(share).toBeGreaterThan(0);
          expect(share).toBeLessThanOrEqual(1);
          if (window.lost + window.near > 0) expect(share).toBeLessThan(before + Number.EPSILON);
        }
        for (let quiet = 0; quiet < 10; quiet++) share = next(share, {});
        expect(share).toBe(1);
      }),
      { seed },
    );
  });
});

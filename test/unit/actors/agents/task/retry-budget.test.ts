import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createRetryLedger,
  DEFAULT_BUDGET,
  earn,
  fullBudget,
  spend,
} from '../../../../../src/actors/agents/task/retry-budget.ts';

const seed = Number(process.env['QUORATE_TEST_SEED'] ?? Date.now() % 1_000_000);
console.info(`retry-budget.test: QUORATE_TEST_SEED=${seed}`);

const policy = fc.record({
  share: fc.double({ min: 0, max: 2, noNaN: true }),
  perSecond: fc.double({ min: 0.01, max: 100, noNaN: true }),
});
/** What happens, and how long after what was before; a clock may be set back. */
const events = fc.array(
  fc.tuple(
    fc.constantFrom('first' as const, 'retry' as const, 'retry' as const),
    fc.integer({ min: -500, max: 3_000 }),
  ),
  { minLength: 1, maxLength: 200 },
);

describe('a budget of retries', () => {
  it('lets no more be due at any time than were kept, than time has paid for, and a share of first attempts', () => {
    fc.assert(
      fc.property(policy, events, (budget, happens) => {
        let now = 1_000_000;
        // Time that was set back is paid for again as it passes, as a clock that runs cannot tell it from other time.
        let paidMs = 0;
        let state = fullBudget(budget, now);
        const most = state.tokens;
        const due: { at: number; paid: number; firsts: number }[] = [];
        let firsts = 0;
        for (const [what, later] of happens) {
          now += later;
          paidMs += Math.max(0, later);
          if (what === 'first') {
            firsts += 1;
            state = earn(state, budget, now);
            continue;
          }
          const spent = spend(state, budget, now);
          ({ state } = spent);
          expect(Number.isFinite(spent.waitMs) && spent.waitMs >= 0).toBe(true);
          due.push({ at: paidMs + spent.waitMs, paid: paidMs, firsts });
        }
        for (const { at } of due) {
          const until = due.filter((one) => one.at <= at);
          const earned = budget.share * Math.max(...until.map((one) => one.firsts));
          expect(until.length).toBeLessThanOrEqual(most + (at / 1_000) * budget.perSecond + earned + 1e-6);
        }
      }),
      { seed },
    );
  });

  it('puts nothing off while there is some left, and is whole again after a while', () => {
    fc.assert(
      fc.property(policy, fc.integer({ min: 1, max: 300 }), fc.nat(1_000_000), (budget, retries, idleMs) => {
        // A day of nothing, or a clock that jumped, adds no more than is kept.
        let state = fullBudget(budget, -idleMs);
        const most = Math.floor(state.tokens);
        const waits = Array.from({ length: retries }, () => {
          const spent = spend(state, budget, 0);
          ({ state } = spent);
          return spent.waitMs;
        });
        expect(waits.slice(0, most).every((wait) => wait === 0)).toBe(true);
        expect(waits.slice(most + 1).every((wait) => wait > 0)).toBe(true);
        expect(waits).toEqual(waits.toSorted((a, b) => a - b));
        const later = (waits.at(-1) ?? 0) + 10_000 + 1_000 / budget.perSecond;
        expect(spend(state, budget, later).waitMs).toBe(0);
      }),
      { seed },
    );
  });

  it('is a fifth of first attempts by default, and ten a second', () => {
    const ledger = createRetryLedger(undefined, 0);
    const retries = (count: number): number =>
      Array.from({ length: count }, () => ledger?.retry(0) ?? Number.NaN).filter((wait) => wait === 0).length;
    expect(DEFAULT_BUDGET).toEqual({ share: 0.2, perSecond: 10 });
    expect(retries(150)).toBe(100);
    // 50 of them are owed.
    for (let n = 0; n < 300; n++) ledger?.began('first', 0);
    expect(retries(20)).toBe(10);
  });

  it('is nothing where there is to be none', () => {
    expect(createRetryLedger(false, 0)).toBeUndefined();
  });
});

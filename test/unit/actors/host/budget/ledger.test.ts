import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  available,
  expire,
  grant,
  isLow,
  keepOf,
  type Ledger,
  letGoOf,
  newLedger,
  plus,
  reserve,
  reserveBranches,
  reservedOf,
  roomFor,
  settle,
  spend,
  spendOf,
} from '../../../../../src/actors/host/budget/ledger.ts';
import { type Funds, NO_FUNDS } from '../../../../../src/contract/usage.ts';

const funds = fc.record({ microUsd: fc.nat({ max: 50 }), tokens: fc.nat({ max: 50 }) });
const execution = fc.constantFrom('1.0', '2.0', '3.0');
const step = fc.oneof(
  fc.record({ kind: fc.constant('reserve' as const), execution, each: funds, wanted: fc.nat({ max: 20 }) }),
  fc.record({ kind: fc.constant('settle' as const), execution, branch: fc.nat({ max: 20 }), used: funds }),
  fc.record({ kind: fc.constant('late' as const), used: funds }),
  fc.record({ kind: fc.constant('letGo' as const), execution, until: fc.nat({ max: 100 }) }),
  fc.record({ kind: fc.constant('expire' as const), now: fc.nat({ max: 100 }) }),
  fc.record({ kind: fc.constant('grant' as const), more: funds }),
);
const limit = fc.record(
  { microUsd: fc.nat({ max: 500 }), tokens: fc.nat({ max: 500 }) },
  { requiredKeys: [] },
);
const FIELDS = ['microUsd', 'tokens'] as const;

it('settled and reserved never pass the limit by more than what attempts used beyond their reservations', () => {
  fc.assert(
    fc.property(limit, fc.array(step, { maxLength: 60 }), (given, steps) => {
      let ledger: Ledger = newLedger(given);
      let beyond: Funds = NO_FUNDS;
      for (const one of steps) {
        if (one.kind === 'reserve') {
          // As the gate does: an execution has attempts of one size, and only as many as there is room for.
          const each = ledger.reserved[one.execution]?.each ?? one.each;
          const count = Math.min(one.wanted, roomFor(ledger, each));
          ledger = reserveBranches(ledger, one.execution, each, Array(count).keys());
        } else if (one.kind === 'settle') {
          const before = reservedOf(ledger);
          ledger = settle(ledger, one, one.used);
          const freed = reservedOf(ledger);
          for (const field of FIELDS) {
            const more = one.used[field] - (before[field] - freed[field]);
            beyond = { ...beyond, [field]: beyond[field] + Math.max(0, more) };
          }
        } else if (one.kind === 'late') {
          beyond = plus(beyond, one.used);
          ledger = spend(ledger, one.used);
        } else if (one.kind === 'letGo') ledger = letGoOf(ledger, one.execution, one.until);
        else if (one.kind === 'expire') ledger = expire(ledger, one.now);
        else ledger = grant(ledger, one.more);
        const taken = plus(ledger.spent, reservedOf(ledger));
        for (const field of FIELDS) {
          const most = ledger.limit[field];
          if (most !== undefined) expect(taken[field]).toBeLessThanOrEqual(most + beyond[field]);
        }
      }
    }),
    { numRuns: 200 },
  );
});

it('gives back what was reserved and not used, and keeps what was used beyond it', () => {
  const each = { microUsd: 10, tokens: 100 };
  let ledger = reserveBranches(newLedger({ tokens: 1_000 }), '1.0', each, Array(10).keys());
  expect(roomFor(ledger, each)).toBe(0);
  ledger = settle(ledger, { execution: '1.0', branch: 3 }, { microUsd: 1, tokens: 40 });
  expect([available(ledger).tokens, available(ledger).microUsd]).toEqual([60, Number.POSITIVE_INFINITY]);
  // The same branch again: nothing is reserved for it any more.
  ledger = settle(ledger, { execution: '1.0', branch: 3 }, NO_FUNDS);
  expect(reservedOf(ledger).tokens).toBe(900);
  ledger = settle(ledger, { execution: '1.0', branch: 9 }, { microUsd: 1, tokens: 400 });
  expect(available(ledger).tokens).toBe(0);
  expect(reservedOf(ledger).tokens).toBe(800);
});

it('has room for any number of attempts that cost nothing, also when nothing is left', () => {
  expect(roomFor(newLedger({ tokens: 0 }), { microUsd: 5, tokens: 0 })).toBe(Number.POSITIVE_INFINITY);
  expect(roomFor(newLedger({ tokens: 0 }), { microUsd: 0, tokens: 1 })).toBe(0);
});

it('keeps for a child what it was given less what it used, and after its end what it still holds', () => {
  let ledger = reserve(newLedger({ tokens: 1_000 }), 'c', { microUsd: 0, tokens: 600 });
  ledger = spendOf(ledger, 'c', { microUsd: 0, tokens: 250 });
  expect([ledger.spent.tokens, reservedOf(ledger).tokens]).toEqual([250, 350]);
  ledger = keepOf(ledger, 'c', { microUsd: 0, tokens: 100 }, 50);
  expect(available(ledger).tokens).toBe(650);
  ledger = spendOf(ledger, 'c', { microUsd: 0, tokens: 30 });
  expect([ledger.spent.tokens, reservedOf(ledger).tokens]).toEqual([280, 70]);
  expect(available(expire(ledger, 50)).tokens).toBe(720);
});

it('is low when that part of either limit is used', () => {
  const ledger = spend(newLedger({ microUsd: 100, tokens: 1_000 }), { microUsd: 79, tokens: 10 });
  expect(isLow(ledger, 0.8)).toBe(false);
  expect(isLow(spend(ledger, { microUsd: 1, tokens: 0 }), 0.8)).toBe(true);
  expect(isLow(newLedger({}), 0.8)).toBe(false);
});

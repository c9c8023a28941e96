// I6 Pure turns: in a turn the clock stands, randomness is drawn from the turn's own seed, and I/O throws.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { installPurityGuard, runGuarded } from '../../../src/actors/worker/purity.ts';
import { NOW, request } from '../actors/core/turns.ts';

installPurityGuard();

it('I6: the same turn sees the same time and draws the same values', () => {
  const look = (): unknown =>
    runGuarded(request(), (hooks) => {
      hooks.begin(1);
      return [Date.now(), new Date().getTime(), Math.random()];
    });
  const seen = look() as number[];
  expect(seen.slice(0, 2)).toEqual([NOW, NOW]);
  expect(look()).toEqual(seen);
  expect(Date.now()).not.toBe(NOW);
});

it('I6: I/O in a turn is refused with a code, also when the machine swallows it', () => {
  const violation = runGuarded(request(), (hooks) => {
    hooks.begin(1);
    try {
      readFileSync(new URL(import.meta.url));
    } catch {
      // As a machine might.
    }
    return hooks.violation();
  });
  expect(violation).toMatchObject({ code: 'IMPURE_TURN' });
});

// A share of the trials: of each fault some, by the seed, none of them twice.
import { assert, double, property, string } from 'fast-check';
import { expect, it } from 'vitest';
import { drawTrials, FAULT_NAMES, trialsOf } from '../../../src/testing/faults.ts';
import { STEPS } from '../../../src/testing/places.ts';
import { createRandom } from '../../kit/random.ts';

const { seed: drawnSeed } = createRandom();

const PLACES = STEPS.flatMap((step) =>
  [1, 2, 3, 4, 5].map((nth) => ({ step, where: 'order/o', nth, locked: true, repeatable: true })),
);
const ALL = trialsOf(PLACES, FAULT_NAMES);

it('draws the asked share of each fault, and at least one', () => {
  assert(
    property(double({ min: 0.001, max: 1, noNaN: true }), string(), (share, seed) => {
      const drawn = drawTrials(ALL, share, seed);
      expect(new Set(drawn).size).toBe(drawn.length);
      expect(drawn.every((trial) => ALL.includes(trial))).toBe(true);
      for (const fault of FAULT_NAMES) {
        const of = ALL.filter((trial) => trial.fault === fault);
        expect(drawn.filter((trial) => trial.fault === fault)).toHaveLength(Math.ceil(of.length * share));
      }
    }),
    { seed: drawnSeed, numRuns: 50 },
  );
});

it('draws the same by the same seed, and others by another', () => {
  expect(drawTrials(ALL, 0.5, 'a')).toEqual(drawTrials(ALL, 0.5, 'a'));
  expect(drawTrials(ALL, 0.5, 'a')).not.toEqual(drawTrials(ALL, 0.5, 'b'));
});

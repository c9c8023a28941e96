import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Alarms } from '../../src/clock.ts';
import { durationMs } from '../../src/durations.ts';
import { VirtualClock } from '../kit/virtual-clock.ts';

test('alarms ring once, at their last set time, in order; silenced ones never', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(9), fc.option(fc.nat(100))), { maxLength: 60 }), (settings) => {
      const clock = new VirtualClock();
      const start = clock.now();
      const alarms = new Alarms(clock);
      const rung: [number, number][] = [];
      const all = Array.from({ length: 10 }, (_, index) =>
        alarms.create(() => rung.push([clock.now() - start, index])),
      );
      const expected = new Map<number, number>();
      for (const [index, at] of settings) {
        all[index]?.set(at === null ? undefined : start + at);
        if (at === null) expected.delete(index);
        else expected.set(index, at);
      }
      clock.advance(200);
      expect(new Map(rung.map(([at, index]) => [index, at]))).toEqual(expected);
      expect(rung).toHaveLength(expected.size);
      expect(rung.map(([at]) => at)).toEqual(rung.map(([at]) => at).sort((a, b) => a - b));
    }),
  );
});

test('durations are read as ISO 8601 writes them', () => {
  expect(['PT1M', 'PT30S', 'P1DT2H', 'PT0.5S', 'P14D'].map(durationMs)).toEqual([
    60_000, 30_000, 93_600_000, 500, 1_209_600_000,
  ]);
  expect(durationMs('P10675199DT2H48M5.4775807S')).toBe(Number.POSITIVE_INFINITY);
  expect(['', 'P', '1M', 'PT', 'PT1', 'one minute'].map(durationMs).slice(2)).toEqual(
    Array(4).fill(undefined),
  );
});

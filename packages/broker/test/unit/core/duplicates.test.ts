import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { SeenIds } from '../../../src/core/duplicates.ts';

const LASTING = 1000;

test('what was seen within the window is found, what is older is not, over any slices and growth', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(300), fc.nat(400)), { maxLength: 400 }), (steps) => {
      const seen = new SeenIds();
      /** The instant of each first sight. */
      const instants = new Map<string, number>();
      const byInstant = new Map<number, string>();
      let now = 0;
      for (const [pause, name] of steps) {
        now += pause + 1;
        const end = now - LASTING;
        if (pause % 3 === 0) seen.dropUpTo(end);
        const id = `id-${name}`;
        const known = (instants.get(id) ?? Number.NEGATIVE_INFINITY) > end;
        expect(seen.has(id, end, (seenAt) => byInstant.get(seenAt) === id)).toBe(known);
        if (known) continue;
        instants.set(id, now);
        byInstant.set(now, id);
        seen.add(id, now, LASTING);
      }
    }),
  );
});

test('many ids of a kind are told apart with few looks at the ids themselves, and dropped with their time', () => {
  const seen = new SeenIds();
  const COUNT = 100_000;
  for (let n = 0; n < COUNT; n += 1) seen.add(`order-${n}`, n, COUNT * 10);
  let looks = 0;
  for (let n = 0; n < COUNT; n += 1) {
    expect(seen.has(`order-${n}`, -1, (seenAt) => seenAt === n)).toBe(true);
    if (seen.has(`other-${n}`, -1, () => ++looks < 0)) throw new Error('found what was never seen');
  }
  expect(looks).toBeLessThan(COUNT / 100);
  seen.dropUpTo(COUNT);
  expect(seen.oldest).toBeUndefined();
  expect(seen.has('order-1', -1, () => true)).toBe(false);
});

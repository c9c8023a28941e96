import { expect, test } from 'vitest';
import { AllUnsettled, Unsettled } from '../../../src/amqp/client-limits.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('a connection may owe only so many outcomes', () => {
  const one = new Unsettled(new AllUnsettled());
  one.add(19_999);
  expect(one.full).toBe(false);
  one.add(1);
  expect(one.full).toBe(true);
  one.add(-1);
  expect(one.full).toBe(false);
});

test('where all of them owe too many, each keeps a small share', () => {
  const all = new AllUnsettled();
  for (let count = 0; count < 6; count += 1) new Unsettled(all).add(19_000);
  const other = new Unsettled(all);
  other.add(99);
  expect(other.full).toBe(false);
  other.add(1);
  expect(other.full).toBe(true);
});

test('whoever waits hears once that something was settled, by whomever', async () => {
  const all = new AllUnsettled();
  const [one, other] = [new Unsettled(all), new Unsettled(all)];
  let heard = 0;
  one.whenRoom(() => (heard += 1));
  other.add(2);
  await turn();
  expect(heard).toBe(0);
  other.add(-1);
  other.add(-1);
  await turn();
  expect(heard).toBe(1);
});

import { expect, test } from 'vitest';
import { type Taker, Turns, Usage } from '../../../src/transport/turns.ts';

/** Works for as long as it is told, at least one step, in steps that cost what they say. */
function worker(turns: Turns, log: string[], name: string, steps: number, cost: number): Taker {
  let left = steps;
  return {
    work(until) {
      do {
        log.push(name);
        left -= 1;
        turns.charge(cost);
      } while (left > 0 && turns.now() < until);
      return left > 0;
    },
  };
}

const done = (log: string[], count: number) => expect.poll(() => log.length).toBe(count);

test('those who wait are served in turn, each a slice', async () => {
  const turns = new Turns();
  const log: string[] = [];
  turns.queue(worker(turns, log, 'a', 4, 10));
  turns.queue(worker(turns, log, 'b', 2, 10));
  expect(log).toEqual([]);
  await done(log, 6);
  expect(log).toEqual(['a', 'b', 'a', 'b', 'a', 'a']);
});

test('a turn ends in spite of work that is left, so that others come in between', async () => {
  const turns = new Turns();
  const log: string[] = [];
  turns.queue(worker(turns, log, 'flood', 100, 10));
  while (log.length === 0) await new Promise((resolve) => setImmediate(resolve));
  expect(log.length).toBeLessThan(5);
  await done(log, 100);
});

test('what was used of late makes a connection wait in line, for a while', () => {
  const turns = new Turns();
  const usage = new Usage(turns);
  expect(usage.free()).toBeGreaterThan(0);
  usage.add(1000);
  expect(usage.free()).toBeLessThan(0);
  turns.charge(110);
  // The window is over, and began with much.
  expect(usage.free()).toBe(0);
  turns.charge(110);
  expect(usage.free()).toBeGreaterThan(0);
});

test('heavy steps are taken in order, with a rest in which everybody else has time', async () => {
  const turns = new Turns();
  const log: string[] = [];
  let sooner = 0;
  const tick = () => {
    sooner += 1;
    if (log.length < 3) setImmediate(tick);
  };
  tick();
  for (const name of ['a', 'b', 'c']) {
    turns.queueHeavy(() => {
      for (const end = performance.now() + 5; performance.now() < end; );
      log.push(`${name} after ${sooner > 1 ? 'others' : 'nothing'}`);
      sooner = 0;
    });
  }
  await done(log, 3);
  expect(log.slice(1)).toEqual(['b after others', 'c after others']);
  turns.queueHeavy(() => log.push('d'));
  await done(log, 4);
});

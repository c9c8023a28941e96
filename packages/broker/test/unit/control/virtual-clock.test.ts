import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { Alarms } from '../../../src/clock.ts';
import { VirtualClock, virtualClockOf } from '../../../src/control/virtual-clock.ts';

test('time stands still, and a skip fires what is due then', () => {
  const clock = VirtualClock.at(1000);
  const fired: [string, number][] = [];
  const set = (name: string, at: number) => clock.setTimer(at, () => fired.push([name, clock.now()]));
  set('b', 1200);
  set('a', 1100);
  const takeBack = set('never', 1050);
  takeBack();
  expect(clock.now()).toBe(1000);
  clock.skipTo(1099);
  expect(fired).toEqual([]);
  clock.skipTo(1100);
  expect(fired).toEqual([['a', 1100]]);
  clock.skipTo(900);
  expect(clock.now()).toBe(1100);
  clock.skipTo(5000);
  expect(fired).toEqual([
    ['a', 1100],
    ['b', 5000],
  ]);
});

test('what is due already needs no skip', async () => {
  const clock = VirtualClock.at(1000);
  const alarms = new Alarms(clock);
  const rung = new Promise<void>((resolve) => alarms.create(resolve).set(1000));
  await rung;
  expect(clock.now()).toBe(1000);
});

test('alarms say when the next one rings', () => {
  const alarms = new Alarms(VirtualClock.at(0));
  const [one, two] = [alarms.create(() => {}), alarms.create(() => {})];
  expect(alarms.next()).toBeUndefined();
  one.set(20);
  two.set(10);
  expect(alarms.next()).toBe(10);
  two.set(undefined);
  expect(alarms.next()).toBe(20);
});

test('another thread reads the same time', async () => {
  const clock = VirtualClock.at(7);
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    parentPort.on('message', () => parentPort.postMessage(Number(Atomics.load(new BigInt64Array(workerData), 0))));`;
  const worker = new Worker(code, { eval: true, workerData: clock.shared });
  const ask = () =>
    new Promise((resolve) => {
      worker.once('message', resolve);
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker, not a window
      worker.postMessage('now');
    });
  expect(await ask()).toBe(7);
  clock.skipTo(1_900_000_000_000);
  expect(await ask()).toBe(1_900_000_000_000);
  expect(new VirtualClock(clock.shared).now()).toBe(1_900_000_000_000);
  await worker.terminate();
});

test('options ask for it by name, with a start, or not at all', () => {
  expect(virtualClockOf({ virtual: { startAt: 5.5 } })?.now()).toBe(6);
  const before = Date.now();
  expect(virtualClockOf('virtual')?.now()).toBeGreaterThanOrEqual(before);
  expect(virtualClockOf({ virtual: {} })?.now()).toBeGreaterThanOrEqual(before);
  expect(virtualClockOf(undefined)).toBeUndefined();
  expect(virtualClockOf({ now: () => 0, setTimer: () => () => {} })).toBeUndefined();
});

import { expect, test } from 'vitest';
import { processorSecondsIn } from '../../../packages/broker/bench/broker/server-process.ts';

test('processor time is user and system time, wherever the name of the process ends', () => {
  const rest = 'S 1 2 2 0 -1 4194304 100 0 0 0 250 50 7 9 20 0 12 0 900 1000000 300';
  expect(processorSecondsIn(`4711 (node) ${rest}\n`)).toBe(3);
  expect(processorSecondsIn(`4711 (a) b (c d) ${rest}\n`)).toBe(3);
});

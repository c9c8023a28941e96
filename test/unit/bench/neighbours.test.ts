import { expect, it } from 'vitest';
import { startNeighbours } from '../../kit/neighbours.ts';

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

it('busy neighbours end when they are told', async () => {
  const neighbours = startNeighbours(2, 60_000);
  expect(neighbours.pids.every(isThere)).toBe(true);
  await neighbours[Symbol.asyncDispose]();
  expect(neighbours.pids.some(isThere)).toBe(false);
});

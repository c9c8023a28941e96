import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createCancellations } from '../../../../src/actors/protocol/cancellations.ts';
import type { CancellationStore } from '../../../../src/contract/payload.ts';

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Two processes on one store. */
function setUp(isLocal: boolean) {
  const there = new Set<string>();
  const asked: string[][] = [];
  let fails = false;
  const store: CancellationStore = {
    put: async (marks) => {
      if (fails) throw new Error('no answer');
      for (const mark of marks) there.add(mark);
    },
    find: async (marks) => {
      asked.push([...marks]);
      if (fails) throw new Error('no answer');
      return marks.filter((mark) => there.has(mark));
    },
  };
  const process = () => createCancellations({ store, isLocal, clock: { now: () => 0 }, logger: silent });
  return { asker: process(), worker: process(), asked, break: () => (fails = true) };
}

it('a mark that was not there is looked for again half a second later, and one that is there never', async () => {
  const { asker, worker, asked } = setUp(false);
  expect(await worker.isCancelled(['a', 'b'])).toBe(false);
  await asker.cancel(['a'], 1);
  expect(await worker.isCancelled(['a', 'b'])).toBe(false);
  expect(await worker.isCancelledNow(['b', 'a'])).toBe(true);
  expect(await worker.isCancelled(['a'])).toBe(true);
  await asker.cancel(['b'], 1);
  vi.advanceTimersByTime(499);
  expect(await worker.isCancelled(['b'])).toBe(false);
  vi.advanceTimersByTime(1);
  expect(await worker.isCancelled(['b'])).toBe(true);
  expect(asked).toEqual([['a', 'b'], ['b', 'a'], ['b']]);
});

it('with the store on the same machine nothing is remembered as not there', async () => {
  const { asker, worker } = setUp(true);
  expect(await worker.isCancelled(['a'])).toBe(false);
  await asker.cancel(['a'], 1);
  expect(await worker.isCancelled(['a'])).toBe(true);
});

it('the process that cancels tells its own running work at once', async () => {
  const { asker } = setUp(false);
  const told: string[] = [];
  asker.watch(['life', 'a'], () => told.push('first'));
  asker.watch(['b'], () => told.push('second'));
  const leave = asker.watch(['a'], () => told.push('ended before'));
  leave();
  await asker.cancel(['a'], 1);
  await asker.cancel(['life'], 1);
  expect(told).toEqual(['first']);
});

it.each([
  [true, 500],
  [false, 5_000],
])('other processes tell theirs when they ask (store on this machine: %s)', async (isLocal, everyMs) => {
  const { asker, worker, asked } = setUp(isLocal);
  const told: string[] = [];
  worker.watch(['a', 'life'], () => told.push('a'));
  const leave = worker.watch(['b', 'life'], () => told.push('b'));
  await asker.cancel(['a'], 1);
  await vi.advanceTimersByTimeAsync(everyMs - 1);
  expect(told).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(told).toEqual(['a']);
  // All that runs is asked for in one request; nothing runs, nothing is asked.
  expect(asked).toEqual([['a', 'life', 'b']]);
  leave();
  await vi.advanceTimersByTimeAsync(everyMs);
  const count = asked.length;
  await vi.advanceTimersByTimeAsync(10 * everyMs);
  expect(asked.length).toBe(count);
  expect(vi.getTimerCount()).toBe(0);
});

it('a store that does not answer cancels nothing, and says so to who cancels', async () => {
  const all = setUp(false);
  const told: string[] = [];
  all.worker.watch(['a'], () => told.push('a'));
  all.break();
  await expect(all.asker.cancel(['a'], 1)).rejects.toThrow('no answer');
  expect(await all.worker.isCancelled(['a'])).toBe(false);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(told).toEqual([]);
});

it('who runs it is told by name, after the mark is there, and what cannot be told is no failure', async () => {
  const told: unknown[] = [];
  const store: CancellationStore = { put: async (marks) => void told.push(marks), find: async () => [] };
  const tell = async (life: string, marks: readonly string[]): Promise<void> => {
    told.push({ life, marks });
    throw new Error('no broker');
  };
  const asker = createCancellations({ store, isLocal: false, clock: { now: () => 0 }, logger: silent, tell });
  await asker.cancel(['a'], 1, 'life');
  await asker.cancel(['b'], 1);
  expect(told).toEqual([['a'], { life: 'life', marks: ['a'] }, ['b']]);
});

it('what another process says reaches what runs here at once', () => {
  const { worker } = setUp(false);
  const told: string[] = [];
  worker.watch(['a', 'life'], () => told.push('a'));
  worker.heard(['other']);
  worker.heard(['life']);
  expect(told).toEqual(['a']);
});

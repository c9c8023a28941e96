// Who runs a task: one process at a time, whatever becomes of the lock of its message; and a dead process has nothing.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createTaskClaims, type TaskClaims } from '../../../../../src/actors/agents/task/claim.ts';
import type { TaskClaimStore } from '../../../../../src/contract/payload.ts';
import { SILENT } from '../../../../../src/contract/ports.ts';
import { createTaskClaimFiles } from '../../../../../src/storage/task-claims.ts';
import { memoryStorage } from '../../../../kit/memory-storage.ts';

const LOCK_MS = 30_000;
const MARKS = ['execution', 'life'];
const never = new AbortController().signal;

let store: TaskClaimStore;
let opened: TaskClaims[];
beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  store = createTaskClaimFiles(memoryStorage(), 's');
  opened = [];
});
afterEach(() => {
  for (const one of opened) void one.stop();
  vi.useRealTimers();
});

function host(process: string, on: TaskClaimStore = store): TaskClaims {
  const claims = createTaskClaims({
    store: on,
    listen: () => process,
    lockDurationMs: LOCK_MS,
    clock: { now: Date.now },
    logger: SILENT,
  });
  opened.push(claims);
  return claims;
}

const wanted = (lost = never, deadlineAt = Infinity) => ({ key: 'k', marks: MARKS, lost, deadlineAt });

async function held(claims: TaskClaims, lost = never, deadlineAt = Infinity) {
  const claimed = await claims.take(wanted(lost, deadlineAt));
  if (claimed.kind !== 'held') expect.fail('it runs elsewhere');
  return claimed.claim;
}

it('waits where its message comes to the same process again, until the first has ended or its own lock is lost', async () => {
  const claims = host('a');
  const claim = await held(claims);
  const lock = new AbortController();
  const [second, third] = [claims.take(wanted()), claims.take(wanted(lock.signal))];
  await vi.advanceTimersByTimeAsync(LOCK_MS);
  lock.abort();
  expect(await third).toEqual({ kind: 'lost' });
  await claim.release();
  expect(await second).toMatchObject({ kind: 'held', isRepeat: true });
});

it('is one process at a time', async () => {
  const [one, other] = [host('a'), host('b')];
  const claim = await held(one);
  expect(await other.take(wanted())).toMatchObject({ kind: 'elsewhere' });
  expect(await store.processesOf('life', 'execution')).toEqual(['a']);
  await claim.release();
  await held(other);
});

it('outlasts the lock of its message, for as long as its process lives', async () => {
  const lock = new AbortController();
  const claim = await held(host('a'), lock.signal);
  lock.abort();
  await vi.advanceTimersByTimeAsync(10 * LOCK_MS);
  expect(claim.lost.aborted).toBe(false);
  expect(await host('b').take(wanted())).toMatchObject({ kind: 'elsewhere' });
});

it('of a process that died is free by the time that the lock of a message runs out which it renewed last', async () => {
  let isDead = false;
  const setAlive = async (...given: Parameters<TaskClaimStore['setAlive']>): Promise<void> =>
    isDead ? new Promise(() => {}) : store.setAlive(...given);
  await held(host('a', { ...store, setAlive }));
  await vi.advanceTimersByTimeAsync(LOCK_MS);
  isDead = true;
  const other = host('b');
  expect(await other.take(wanted())).toMatchObject({ kind: 'elsewhere' });
  // A lock is renewed when half of it is left.
  vi.setSystemTime(Date.now() + LOCK_MS / 2);
  await held(other);
});

it('that was lost while its process was frozen ends its attempt, once the lock is lost as well', async () => {
  const lock = new AbortController();
  const frozen = host('a');
  const claim = await held(frozen, lock.signal);
  vi.setSystemTime(Date.now() + LOCK_MS);
  await held(host('b'));
  expect(claim.lost.aborted).toBe(false);
  lock.abort();
  await vi.advanceTimersByTimeAsync(0);
  expect(claim.lost.aborted).toBe(true);
  // What it has no more it does not drop.
  await claim.release();
  expect(await store.processesOf('life')).toEqual(['b']);
});

it('ends with the lock where the store does not answer for long, and not before', async () => {
  let isAway = false;
  const flaky: TaskClaimStore = {
    ...store,
    setAlive: async (...given) => {
      if (isAway) throw new Error('away');
      return store.setAlive(...given);
    },
  };
  const lock = new AbortController();
  const claim = await held(host('a', flaky), lock.signal);
  isAway = true;
  lock.abort();
  await vi.advanceTimersByTimeAsync(LOCK_MS / 4);
  expect(claim.lost.aborted).toBe(false);
  await vi.advanceTimersByTimeAsync(LOCK_MS);
  expect(claim.lost.aborted).toBe(true);
});

it('ends with the lock where the message ran out: nobody waits any more', async () => {
  const lock = new AbortController();
  const claim = await held(host('a'), lock.signal, Date.now() + LOCK_MS);
  await vi.advanceTimersByTimeAsync(LOCK_MS);
  expect(claim.lost.aborted).toBe(false);
  lock.abort();
  expect(claim.lost.aborted).toBe(true);
});

it('leaves nothing behind', async () => {
  const storage = memoryStorage();
  const claims = host('a', createTaskClaimFiles(storage, 's'));
  await (await held(claims)).release();
  await claims.stop();
  expect([...storage.files.keys()]).toEqual([]);
});

it('keeps no timer when nothing is held', async () => {
  const claims = host('a');
  await (await held(claims)).release();
  await vi.advanceTimersByTimeAsync(LOCK_MS);
  expect(vi.getTimerCount()).toBe(0);
});

// Who runs a task: one process at a time, whatever becomes of the lock of its message; and a dead process has nothing.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTaskClaims, type TaskClaims } from '../../../../../src/actors/agents/task/claim.ts';
import type { TaskClaimStore } from '../../../../../src/contract/payload.ts';
import { SILENT } from '../../../../../src/contract/ports.ts';
import { createTaskClaimFiles } from '../../../../../src/storage/task-claims.ts';
import { memoryStorage } from '../../../../kit/memory-storage.ts';

const LOCK_MS = 30_000;
/** A task that is handed out for the first time is claimed when it has run for so long. */
const MOMENT_MS = 100;
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

function host(process: string, on: TaskClaimStore = store, onClaimed?: (of: readonly string[]) => void) {
  const claims = createTaskClaims({
    store: on,
    ...(onClaimed === undefined ? {} : { onClaimed }),
    listen: () => process,
    lockDurationMs: LOCK_MS,
    clock: { now: Date.now },
    logger: SILENT,
  });
  opened.push(claims);
  return claims;
}

/** Handed out again, as it is where a lock was lost. */
const wanted = (lost = never, deadlineAt = Infinity, isAgain = true) => ({
  key: 'k',
  marks: MARKS,
  lost,
  deadlineAt,
  isAgain,
});

async function held(claims: TaskClaims, lost = never, deadlineAt = Infinity, isAgain = true) {
  const claimed = await claims.take(wanted(lost, deadlineAt, isAgain));
  if (claimed.kind !== 'held') expect.fail('it runs elsewhere');
  return claimed.claim;
}

/** Handed out for the first time. */
const begun = (claims: TaskClaims, lost = never) => held(claims, lost, Infinity, false);

/** And it has run for a moment. */
async function running(claims: TaskClaims, lost = never, deadlineAt = Infinity) {
  const claim = await held(claims, lost, deadlineAt, false);
  await vi.advanceTimersByTimeAsync(MOMENT_MS);
  return claim;
}

describe.each([
  ['that was handed out before', held],
  ['that has run for a moment', running],
])('a task %s', (_name, runs) => {
  it('waits where its message comes to the same process again, until the first has ended or its own lock is lost', async () => {
    const claims = host('a');
    const claim = await runs(claims);
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
    const claim = await runs(one);
    expect(await other.take(wanted())).toMatchObject({ kind: 'elsewhere' });
    expect(await store.processesOf('life', 'execution')).toEqual(['a']);
    await claim.release();
    await runs(other);
  });

  it('outlasts the lock of its message, for as long as its process lives', async () => {
    const lock = new AbortController();
    const claim = await runs(host('a'), lock.signal);
    lock.abort();
    await vi.advanceTimersByTimeAsync(10 * LOCK_MS);
    expect(claim.lost.aborted).toBe(false);
    expect(await host('b').take(wanted())).toMatchObject({ kind: 'elsewhere' });
  });

  it('of a process that died is free by the time that the lock of a message runs out which it renewed last', async () => {
    let isDead = false;
    const setAlive = async (...given: Parameters<TaskClaimStore['setAlive']>): Promise<void> =>
      isDead ? new Promise(() => {}) : store.setAlive(...given);
    await runs(host('a', { ...store, setAlive }));
    await vi.advanceTimersByTimeAsync(LOCK_MS);
    isDead = true;
    const other = host('b');
    expect(await other.take(wanted())).toMatchObject({ kind: 'elsewhere' });
    // A lock is renewed when half of it is left.
    vi.setSystemTime(Date.now() + LOCK_MS / 2);
    await runs(other);
  });

  it('that was lost while its process was frozen ends its attempt, once the lock is lost as well', async () => {
    const lock = new AbortController();
    const frozen = host('a');
    const claim = await runs(frozen, lock.signal);
    vi.setSystemTime(Date.now() + LOCK_MS);
    await runs(host('b'));
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
    const claim = await runs(host('a', flaky), lock.signal);
    isAway = true;
    lock.abort();
    await vi.advanceTimersByTimeAsync(LOCK_MS / 4);
    expect(claim.lost.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(LOCK_MS);
    expect(claim.lost.aborted).toBe(true);
  });

  it('ends with the lock where the message ran out: nobody waits any more', async () => {
    const lock = new AbortController();
    const claim = await runs(host('a'), lock.signal, Date.now() + LOCK_MS);
    await vi.advanceTimersByTimeAsync(LOCK_MS);
    expect(claim.lost.aborted).toBe(false);
    lock.abort();
    expect(claim.lost.aborted).toBe(true);
  });

  it('leaves nothing behind', async () => {
    const storage = memoryStorage();
    const claims = host('a', createTaskClaimFiles(storage, 's'));
    await (await runs(claims)).release();
    await claims.stop();
    expect([...storage.files.keys()]).toEqual([]);
  });

  it('keeps no timer when nothing is held', async () => {
    const claims = host('a');
    await (await runs(claims)).release();
    await vi.advanceTimersByTimeAsync(LOCK_MS);
    expect(vi.getTimerCount()).toBe(0);
  });
});

it('writes nothing for a task that is quick', async () => {
  const storage = memoryStorage();
  const claims = host('a', createTaskClaimFiles(storage, 's'));
  const claim = await begun(claims);
  await vi.advanceTimersByTimeAsync(MOMENT_MS - 1);
  expect([...storage.files.keys()]).toEqual([]);
  await claim.release();
  expect(vi.getTimerCount()).toBe(0);
  await vi.advanceTimersByTimeAsync(LOCK_MS);
  expect([...storage.files.keys()]).toEqual([]);
});

it('claims a task that was just begun at once where its lock is lost', async () => {
  const lock = new AbortController();
  const claim = await begun(host('a'), lock.signal);
  lock.abort();
  await vi.advanceTimersByTimeAsync(0);
  expect(claim.lost.aborted).toBe(false);
  expect(await host('b').take(wanted())).toMatchObject({ kind: 'elsewhere' });
});

it('ends the one of two that claims it later', async () => {
  const first = await begun(host('a'));
  const second = await held(host('b'));
  await vi.advanceTimersByTimeAsync(MOMENT_MS);
  expect([first.lost.aborted, second.lost.aborted]).toEqual([true, false]);
  await first.release();
  expect(await store.processesOf('life')).toEqual(['b']);
});

it('looks for a claim also where a task is handed out for the first time', async () => {
  await running(host('a'));
  expect(await host('b').take(wanted(never, Infinity, false))).toMatchObject({ kind: 'elsewhere' });
});

it('says when a task that runs is claimed: who cancelled it before that told nobody', async () => {
  const said: (readonly string[])[] = [];
  await running(host('a', store, (marks) => said.push(marks)));
  expect(said).toEqual([MARKS]);
});

it('leaves nothing behind of a task that ends while it is claimed', async () => {
  const storage = memoryStorage();
  const files = createTaskClaimFiles(storage, 's');
  const gate = Promise.withResolvers<void>();
  const take = async (...given: Parameters<TaskClaimStore['take']>): Promise<string> => {
    await gate.promise;
    return files.take(...given);
  };
  const claims = host('a', { ...files, take });
  const claim = await running(claims);
  const released = claim.release();
  gate.resolve();
  await released;
  await claims.stop();
  expect([...storage.files.keys()]).toEqual([]);
});

it('claims a task once the store answers again', async () => {
  let isAway = true;
  const take = async (...given: Parameters<TaskClaimStore['take']>): Promise<string> => {
    if (isAway) throw new Error('away');
    return store.take(...given);
  };
  const claim = await running(host('a', { ...store, take }));
  isAway = false;
  await vi.advanceTimersByTimeAsync(LOCK_MS / 3);
  expect(claim.lost.aborted).toBe(false);
  expect(await store.processesOf('life')).toEqual(['a']);
});

it('notices a lock that is lost while the store is asked whose the task is', async () => {
  const gate = Promise.withResolvers<void>();
  const ownerOf = async (...given: Parameters<TaskClaimStore['ownerOf']>): Promise<string | undefined> => {
    await gate.promise;
    return store.ownerOf(...given);
  };
  const lock = new AbortController();
  const taken = held(host('a', { ...store, ownerOf }), lock.signal, Date.now(), false);
  lock.abort();
  gate.resolve();
  const claim = await taken;
  await vi.advanceTimersByTimeAsync(0);
  expect(claim.lost.aborted).toBe(true);
});

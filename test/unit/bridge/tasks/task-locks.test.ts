import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TaskLocks } from '../../../../src/bridge/tasks/task-locks.ts';

const LOCK_MS = 8_000;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

function locks(renew: () => Promise<Date> = () => Promise.resolve(new Date(Date.now() + LOCK_MS))) {
  const renewals: number[] = [];
  const startedAt = Date.now();
  const made = new TaskLocks({
    lockDurationMs: LOCK_MS,
    time: { instant: () => ({ monotonicMs: Date.now(), wallMs: Date.now() }) },
    renew: () => {
      renewals.push(Date.now() - startedAt);
      return renew();
    },
  });
  return { made, renewals };
}

const received = (): ServiceBusReceivedMessage =>
  ({ lockedUntilUtc: new Date(Date.now() + LOCK_MS) }) as ServiceBusReceivedMessage;

describe('TaskLocks', () => {
  it('renews at half of the lock for as long as a task runs', async () => {
    const { made, renewals } = locks();
    const lock = made.add(received());
    await vi.advanceTimersByTimeAsync(3 * LOCK_MS);
    expect(renewals).toEqual([4_000, 8_000, 12_000, 16_000, 20_000, 24_000]);
    expect(lock.lost.aborted).toBe(false);
    lock.release();
    await vi.advanceTimersByTimeAsync(3 * LOCK_MS);
    expect(renewals).toHaveLength(6);
    made.stop();
  });

  it('tolerates failures until the lease is over, and aborts the task then', async () => {
    const { made, renewals } = locks(() => Promise.reject(new Error('busy')));
    const lock = made.add(received());
    await vi.advanceTimersByTimeAsync(LOCK_MS - 1);
    expect(lock.lost.aborted).toBe(false);
    expect(renewals).toEqual([4_000, 5_000, 6_000, 7_000]);
    await vi.advanceTimersByTimeAsync(1);
    expect(lock.lost.aborted).toBe(true);
    made.stop();
  });

  it('asks at once about a lock of which little seems to be left when the message comes', async () => {
    const { made, renewals } = locks(() =>
      Promise.reject(Object.assign(new Error(), { code: 'MessageLockLost' })),
    );
    const lock = made.add({ lockedUntilUtc: new Date(Date.now() + 500) } as ServiceBusReceivedMessage);
    await vi.advanceTimersByTimeAsync(0);
    expect(renewals).toEqual([0]);
    expect(lock.lost.aborted).toBe(true);
    made.stop();
  });

  it('aborts at once when the service says that the lock is lost', async () => {
    const { made } = locks(() => Promise.reject(Object.assign(new Error(), { code: 'MessageLockLost' })));
    const lock = made.add(received());
    await vi.advanceTimersByTimeAsync(LOCK_MS / 2);
    expect(lock.lost.aborted).toBe(true);
    made.stop();
  });

  it('lets a lock that nobody wants run out, and says when it has', async () => {
    const { made, renewals } = locks();
    let expired = 0;
    made.add(received()).leave(() => {
      expired += 1;
    });
    await vi.advanceTimersByTimeAsync(3 * LOCK_MS);
    expect(renewals).toEqual([]);
    expect(expired).toBe(1);
    made.stop();
  });
});

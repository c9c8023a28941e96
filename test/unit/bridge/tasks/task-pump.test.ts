import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ConnectionPool } from '../../../../src/bridge/connection/connection-pool.ts';
import { Load } from '../../../../src/bridge/load/load.ts';
import { Slots, TaskPump } from '../../../../src/bridge/tasks/task-pump.ts';
import type { Disposition } from '../../../../src/contract/ports.ts';

const LOCK_MS = 5_000;

interface Handlers {
  readonly processMessage: (raw: ServiceBusReceivedMessage) => Promise<void>;
}

/** A pump with one place over a receiver that gives what it is told to, whatever the credit. */
function setUp(renewals: boolean, { concurrency = 1, load }: { concurrency?: number; load?: Load } = {}) {
  let handlers: Handlers | undefined;
  const settled: string[] = [];
  const receiver = {
    subscribe: (given: Handlers) => {
      handlers = given;
      return { close: async () => {} };
    },
    completeMessage: async ({ messageId }: ServiceBusReceivedMessage) =>
      void settled.push(`complete ${String(messageId)}`),
    abandonMessage: async ({ messageId }: ServiceBusReceivedMessage) =>
      void settled.push(`abandon ${String(messageId)}`),
    renewMessageLock: async () => {
      if (!renewals) throw Object.assign(new Error('gone'), { code: 'MessageLockLost' });
      return new Date(Date.now() + LOCK_MS);
    },
    close: async () => {},
  };
  const link = {
    client: { createReceiver: () => receiver },
    watch: {
      onLost: () => () => {},
      within: <T>(work: () => T) => work(),
      run: async <T>(work: () => Promise<T>) =>
        work().then(
          (value) => ({ kind: 'done', value }),
          (error: unknown) => ({ kind: 'failed', error }),
        ),
    },
    release: () => {},
  };
  const begun: string[] = [];
  const first = Promise.withResolvers<Disposition>();
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const pump = new TaskPump(
    {
      entity: 'agent.a',
      concurrency,
      onMessage: async ({ messageId }) => {
        begun.push(messageId);
        return messageId === 'first' ? first.promise : { kind: 'complete' };
      },
    },
    {
      path: 'agent.a',
      deadLetters: false,
      pool: { acquire: () => link } as unknown as ConnectionPool,
      lockDurationMs: LOCK_MS,
      load,
      clock: { now: Date.now, granted: () => {}, reached: () => {} },
      time: { instant: () => ({ monotonicMs: performance.now(), wallMs: Date.now() }) },
      logger: silent,
    },
  );
  /** Ends when the receiver may give the next one. */
  const ended: string[] = [];
  const give = (messageId: string): Promise<void> | undefined => {
    const raw = { messageId, lockedUntilUtc: new Date(Date.now() + LOCK_MS) };
    return handlers?.processMessage(raw as ServiceBusReceivedMessage).then(() => void ended.push(messageId));
  };
  return { pump, give, ended, begun, settled, finish: () => first.resolve({ kind: 'complete' }) };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('begins a task that waited for a slot while its lock is held', async () => {
  const { pump, give, begun, finish } = setUp(true);
  void give('first');
  void give('second');
  await vi.advanceTimersByTimeAsync(3 * LOCK_MS);
  finish();
  await vi.advanceTimersByTimeAsync(1);
  expect(begun).toEqual(['first', 'second']);
  expect(pump.active).toBe(0);
});

it('does not begin a task whose lock was lost while it waited for a slot', async () => {
  const { give, begun, settled, finish } = setUp(false);
  void give('first');
  void give('second');
  await vi.advanceTimersByTimeAsync(LOCK_MS);
  finish();
  await vi.advanceTimersByTimeAsync(1);
  expect(begun).toEqual(['first']);
  expect(settled).toContain('abandon second');
});

it('does not begin a task whose lock ran out while the process stood still', async () => {
  const { give, begun, finish } = setUp(true);
  void give('first');
  void give('second');
  await vi.advanceTimersByTimeAsync(1);
  // No timer ran meanwhile: nobody has looked at the locks.
  vi.setSystemTime(Date.now() + LOCK_MS);
  finish();
  await vi.advanceTimersByTimeAsync(1);
  expect(begun).toEqual(['first']);
});

it('asks for fewer messages while the process cannot keep up, and for as many as before when it can', async () => {
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const time = { instant: () => ({ monotonicMs: Date.now(), wallMs: Date.now() }) };
  const load = new Load({ lockDurationMs: LOCK_MS, time, logger: silent });
  const { pump, give, ended } = setUp(true, { concurrency: 4, load });
  void give('first');
  load.lost();
  await vi.advanceTimersByTimeAsync(LOCK_MS / 50);
  expect(load.tasks(4)).toBe(2);
  // Two may be in hand: the credit of two is kept.
  for (const name of ['a', 'b', 'c']) void give(name);
  await vi.advanceTimersByTimeAsync(1);
  expect(ended).toHaveLength(1);
  load.lost();
  await vi.advanceTimersByTimeAsync(LOCK_MS / 50);
  expect(load.tasks(4)).toBe(1);
  for (const name of ['d', 'e']) void give(name);
  await vi.advanceTimersByTimeAsync(1);
  expect(ended).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(3 * LOCK_MS);
  expect(ended).toHaveLength(5);
  expect(pump.active).toBe(1);
});

//

describe('Slots', () => {
  it('lets no more in than there are, first come, first served', async () => {
    const slots = new Slots(1);
    expect(slots.take()).toBeUndefined();
    const order: string[] = [];
    const waiting = ['a', 'b'].map(async (name) => {
      await slots.take();
      order.push(name);
    });
    await Promise.resolve();
    expect(order).toEqual([]);
    slots.free();
    await waiting[0];
    expect(order).toEqual(['a']);
    slots.free();
    await waiting[1];
    slots.free();
    expect(slots.take()).toBeUndefined();
  });
});

import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { ConnectionPool } from '../../../src/bridge/connection-pool.ts';
import { TaskPump } from '../../../src/bridge/task-pump.ts';
import type { Disposition } from '../../../src/contract/ports.ts';

const LOCK_MS = 5_000;

interface Handlers {
  readonly processMessage: (raw: ServiceBusReceivedMessage) => Promise<void>;
}

/** A pump with one place over a receiver that gives what it is told to, whatever the credit. */
function setUp(renewals: boolean) {
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
      concurrency: 1,
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
      time: { instant: () => ({ monotonicMs: performance.now(), wallMs: Date.now() }) },
      logger: silent,
    },
  );
  const give = (messageId: string): void => {
    const raw = { messageId, lockedUntilUtc: new Date(Date.now() + LOCK_MS) };
    void handlers?.processMessage(raw as ServiceBusReceivedMessage);
  };
  return { pump, give, begun, settled, finish: () => first.resolve({ kind: 'complete' }) };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('begins a task that waited for a slot while its lock is held', async () => {
  const { pump, give, begun, finish } = setUp(true);
  give('first');
  give('second');
  await vi.advanceTimersByTimeAsync(3 * LOCK_MS);
  finish();
  await vi.advanceTimersByTimeAsync(1);
  expect(begun).toEqual(['first', 'second']);
  expect(pump.active).toBe(0);
});

it('does not begin a task whose lock was lost while it waited for a slot', async () => {
  const { give, begun, settled, finish } = setUp(false);
  give('first');
  give('second');
  await vi.advanceTimersByTimeAsync(LOCK_MS);
  finish();
  await vi.advanceTimersByTimeAsync(1);
  expect(begun).toEqual(['first']);
  expect(settled).toContain('abandon second');
});

it('does not begin a task whose lock ran out while the process stood still', async () => {
  const { give, begun, finish } = setUp(true);
  give('first');
  give('second');
  await vi.advanceTimersByTimeAsync(1);
  // No timer ran meanwhile: nobody has looked at the locks.
  vi.setSystemTime(Date.now() + LOCK_MS);
  finish();
  await vi.advanceTimersByTimeAsync(1);
  expect(begun).toEqual(['first']);
});

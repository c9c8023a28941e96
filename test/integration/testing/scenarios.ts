// The patterns of this repository as scenarios: a timer of three days, a scatter and gather, a saga that is undone.
import type { AgentContext } from '../../../src/contract/config.ts';
import type { SagaTask } from '../../../src/machines/saga.ts';
import type { Scenario } from '../../../src/testing/index.ts';
import { app } from '../../kit/runtime.ts';

export const order = (): Scenario => ({
  config: {
    machines: { order: app('order.machine.ts', 'order') },
    agents: { charge: { run: () => null }, ship: { run: () => null } },
  },
  run: async ({ client, advance }) => {
    await client.start('order', { id: 'o' });
    await client.send('order', 'o', { type: 'approve' });
    await client.send('order', 'o', { type: 'approve' });
    await advance('3 days');
  },
  outcome: ({ client }) =>
    client.result('order', 'o', { timeoutMs: 60_000 }) as Promise<{ approvals: number }>,
});

/** No start: the first event brings it along. */
export const startedBySend = (): Scenario => ({
  config: order().config,
  run: async ({ client, settled }) => {
    for (let n = 0; n < 3; n++)
      await client.send('order', 'o', { type: 'approve' }, { start: { input: null } });
    await settled();
  },
  outcome: async ({ client }) => (await client.query('order', 'o')).context,
});

export const gather = (): Scenario => ({
  config: {
    machines: { gather: app('gathering.machine.ts', 'gatherAll') },
    agents: { oracle: { run: ({ item }: { item: number }) => ({ counts: { sum: item * item } }) } },
  },
  run: async ({ client, settled }) => {
    await client.start('gather', { id: 'g', input: { items: [1, 2, 3] } as never });
    await settled();
  },
});

export const trip = (): Scenario => ({
  config: {
    machines: { trip: app('patterns.machine.ts', 'trip') },
    agents: {
      book: {
        run: ({ step }: SagaTask) => {
          if (step === 'hotel') throw Object.assign(new Error('none left'), { retryable: false });
          return `booked ${step}`;
        },
      },
      cancelBooking: { run: () => null },
    },
  },
  run: async ({ client, advance }) => {
    await client.start('trip', { id: 't', input: null as never });
    await advance('1 minute');
  },
});

/** Its agents end only when they are told that nobody waits. */
export const cancelled = (): Scenario => ({
  config: {
    machines: { fan: app('fan.machine.ts', 'fan') },
    agents: {
      work: {
        run: (_input: unknown, { signal }: AgentContext) =>
          new Promise<never>((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason as Error));
          }),
        concurrency: 2,
      },
    },
  },
  run: async ({ client, settled }) => {
    await client.start('fan', { id: 'f', input: {} as never });
    await client.cancel('fan', 'f');
    await settled();
  },
  outcome: async ({ client }) => (await client.query('fan', 'f')).status,
});

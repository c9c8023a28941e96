// The patterns of this repository as scenarios: a timer of three days, a scatter and gather, a saga that is undone.
import type { AgentContext } from '../../../src/contract/config.ts';
import type { Json } from '../../../src/contract/json.ts';
import type { LimitState } from '../../../src/control/limit/state.ts';
import type { SagaTask } from '../../../src/machines/saga.ts';
import type { Scenario, World } from '../../../src/testing/index.ts';
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
    limits: { slow: { requestsPerMinute: 1 } },
    // Time is virtual: a limit lets all through at once.
    agents: {
      oracle: { limit: 'slow', run: ({ item }: { item: number }) => ({ counts: { sum: item * item } }) },
    },
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

const untilTold = {
  run: (_input: unknown, { signal }: AgentContext): Promise<never> =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    }),
};

/** Its agents end only when they are told that nobody waits. */
export const cancelled = (): Scenario => ({
  config: {
    machines: { fan: app('fan.machine.ts', 'fan') },
    agents: {
      work: { ...untilTold, concurrency: 2 },
    },
  },
  run: async ({ client, settled }) => {
    await client.start('fan', { id: 'f', input: {} as never });
    await client.cancel('fan', 'f');
    await settled();
  },
  outcome: async ({ client }) => (await client.query('fan', 'f')).status,
});

const REVIEWS = { reviews: { subscriptions: { eu: 'here', us: 'there' } } };

/** Each item is published once; each subscription's copy is answered once. */
export const broadcast = (): Scenario => ({
  config: {
    machines: { everywhere: app('broadcast.machine.ts', 'everywhere') },
    topics: REVIEWS,
    agents: {
      here: { run: ({ item }: { item: number }) => `here ${item}` },
      there: { run: ({ item }: { item: number }) => `there ${item}` },
    },
  },
  run: async ({ client, settled }) => {
    await client.start('everywhere', { id: 'e', input: { items: [1, 2] } as never });
    await settled();
  },
});

/** A scatter and, two levels below, a broadcast whose agents end only when they are told that nobody waits. */
export const nested = (): Scenario => ({
  config: {
    machines: {
      outer: app('broadcast.machine.ts', 'outer'),
      middle: app('broadcast.machine.ts', 'middle'),
      everywhere: app('broadcast.machine.ts', 'everywhere'),
    },
    topics: REVIEWS,
    agents: { quick: { run: () => null }, here: untilTold, there: untilTold },
  },
  run: async ({ client, settled }) => {
    await client.start('outer', { id: 'o', input: null as never });
    await settled();
  },
  outcome: async ({ client }) => (await client.result('outer', 'o', { timeoutMs: 60_000 })) as Json,
});

/** One question is answered by a person, one withdrawn and asked again until its deadline answers it; the list knows how each ended. */
export const asked = (): Scenario => ({
  config: {
    machines: { approval: app('question.machine.ts', 'approval') },
    retentionMs: 7 * 86_400_000,
  },
  run: async ({ client, advance, settled }) => {
    await client.start('approval', { id: 'one', input: null as never });
    await client.start('approval', { id: 'two', input: null as never });
    await settled();
    await client.answer('approval/one', 'yes', { by: 'ann' });
    await client.send('approval', 'two', { type: 'withdraw' });
    await settled();
    await client.send('approval', 'two', { type: 'withdraw' });
    await settled();
    await advance('1 day');
  },
  outcome: async ({ client }) => {
    const said = async (id: string): Promise<Json> => (await client.result('approval', id)) as Json;
    const { open } = await client.asks();
    const { closed } = await client.asks({ closed: true });
    const ends = closed.map(({ actor, how, by = 'nobody' }) => `${actor.id} ${how} ${by}`).toSorted();
    return { one: await said('one'), two: await said('two'), open: open.length, ends };
  },
});

/** Two tenants of one agent: what does not fit waits at its asker until the agent's lane grants it. */
export const shared = (): Scenario => ({
  config: {
    machines: { gather: app('gathering.machine.ts', 'gatherAll') },
    agents: {
      oracle: {
        run: ({ item }: { item: number }) => ({ counts: { sum: item } }),
        concurrency: 1,
        lane: true,
      },
    },
  },
  run: async ({ client, advance, settled }) => {
    await client.start('gather', { id: 'one', input: { items: [1, 2, 3, 4] } as never, tenant: 'one' });
    await client.start('gather', { id: 'two', input: { items: [5] } as never, tenant: 'two' });
    await settled();
    // What was granted to a process that died is found to be lost, and an asker asks again.
    await advance('2 minutes');
  },
  outcome: async ({ client }) => [
    (await client.result('gather', 'one')) as Json,
    (await client.result('gather', 'two')) as Json,
  ],
});

/** Enough for each attempt and for two that are lost, which count as reserved; less than all of them at once. */
const FUNDED = { limit: 1_200, each: 500, used: 100, tasks: 2 };

const paidWork = {
  estimate: () => ({ tokens: FUNDED.each }),
  run: (_input: unknown, { usage }: AgentContext) => {
    usage({ inputTokens: FUNDED.used });
    return null;
  },
};

export const funded = (): Scenario => ({
  config: { ...order().config, agents: { charge: paidWork, ship: paidWork } },
  run: async ({ client, advance }) => {
    await client.start('order', { id: 'o', budget: { tokens: FUNDED.limit } });
    await client.send('order', 'o', { type: 'approve' });
    await client.send('order', 'o', { type: 'approve' });
    await advance('3 days');
  },
  outcome: async ({ client }) => {
    const { budget } = await client.query('order', 'o');
    if (budget === undefined) throw new Error('the budget is gone');
    const { total, estimated } = await client.costs('order', 'o');
    // What is booked is what is settled, each attempt once; one that was lost counts as it was reserved.
    const paid = (total.calls - estimated.calls) * FUNDED.used + estimated.calls * FUNDED.each;
    return {
      isWithin: budget.spent.tokens <= FUNDED.limit,
      isBooked: total.calls >= FUNDED.tasks && budget.spent.tokens === paid && total.inputTokens === paid,
      left: { reserved: budget.reserved.tokens, waiting: budget.waiting },
      result: (await client.result('order', 'o', { timeoutMs: 60_000 })) as { approvals: number },
    };
  },
});

/** Two processes ask a limiter, and a person changes it: what it has granted must be so once. */
export function limited(): Scenario {
  const send = ({ client }: World, key: string, event: object): Promise<void> =>
    client.send('$limit', 'limit:model', event, { key, start: {} });
  const ask = (process: string, seq: number, requests: number): object => ({
    type: 'ask',
    process,
    seq,
    from: { entity: 'replies', sessionId: process, correlationId: 'limit' },
    settings: { requestsPerMinute: 1_200, concurrent: 9 },
    revision: 0,
    silenceMs: 30_000,
    want: { requests, tokens: requests },
    least: 1,
    back: { requests: 0, tokens: 0 },
    debt: 0,
    running: 0,
  });
  return {
    config: { machines: {}, limits: { model: { requestsPerMinute: 1_200 } } },
    run: async (world) => {
      await send(world, '1', ask('a', 1, 4));
      await send(world, '2', ask('b', 1, 3));
      // Asked again: it has had its answer.
      await send(world, '3', ask('a', 1, 4));
      const from = { entity: 'replies', sessionId: 'client', correlationId: 'c' };
      await send(world, '4', { type: 'order', id: 'o', from, settings: { concurrent: 5 } });
      await world.settled();
      await send(world, '5', ask('b', 2, 8));
    },
    outcome: async ({ client }) => {
      const { context } = await client.query('$limit', 'limit:model');
      const { state } = context as { state: LimitState };
      const { processes, settings, revision, requestsUntil, time } = state;
      const had = Object.entries(processes).map(([name, { seq, held, grant }]) => ({
        name,
        seq,
        held,
        grant,
      }));
      return { had, settings, revision, aheadMs: requestsUntil - time } as unknown as Json;
    },
  };
}

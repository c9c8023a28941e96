// A scatter over a topic, through the real client and a real socket: one message an item, a branch for each subscription.
import { expect, it } from 'vitest';
import type { AgentContext } from '../../../src/contract/config.ts';
import type { GatherOutput } from '../../../src/contract/scatter.ts';
import { app, startRuntime } from '../../kit/runtime.ts';

interface Asked {
  readonly item: { readonly n: number; readonly text: string };
}

const topics = { reviews: { subscriptions: { eu: 'here', us: 'there', log: 'here' } } };
const machines = { broadcast: app('broadcast.machine.ts', 'broadcast') };

it('asks the agent of each subscription once, tries again at that one alone, and is told of its dead letters', async () => {
  const asked: string[] = [];
  const keys = new Set<string>();
  const note = (name: string, { item: { n, text } }: Asked, { attempt, key }: AgentContext): number => {
    asked.push(`${name} ${n}.${attempt}`);
    keys.add(key);
    return text.length;
  };
  await using test = await startRuntime({
    machines,
    topics,
    agents: {
      here: { run: (task: Asked, context) => note('here', task, context) },
      there: {
        retry: { attempts: 2, backoffMs: 1 },
        run: (task: Asked, context) => {
          const length = note('there', task, context);
          // From the subscription itself; the others from the agent's queue, where the second attempt is.
          if (task.item.n === 3) throw Object.assign(new Error('never'), { retryable: false });
          if (task.item.n === 2 || context.attempt === 1) throw new Error('not now');
          return length;
        },
      },
    },
  });
  const { client, counters } = test.runtime;
  // It lies in the payload store, once for all copies of an item.
  const text = 'x'.repeat(300_000);
  const items = [
    { n: 1, text },
    { n: 2, text: '' },
    { n: 3, text },
  ];
  const { got } = (await client.run('broadcast', { id: 'b', input: { items } as never })) as {
    got: GatherOutput;
  };
  expect(got).toMatchObject({ outcome: 'all', total: 6, ok: 4, failed: 2 });
  expect(got.values).toEqual([
    { index: 0, agent: 'eu', value: 300_000 },
    { index: 1, agent: 'us', value: 300_000 },
    { index: 2, agent: 'eu', value: 0 },
    { index: 4, agent: 'eu', value: 300_000 },
  ]);
  expect(
    got.errors.map(({ index, agent, error }) => `${index} ${agent} ${error.message}`).toSorted(),
  ).toEqual(['3 us not now', '5 us never']);
  // The copies in `log` are nobody's branch.
  const here = ['here 1.1', 'here 2.1', 'here 3.1'];
  const there = ['there 1.1', 'there 1.2', 'there 2.1', 'there 2.2', 'there 3.1'];
  expect(asked.toSorted()).toEqual([...here, ...there]);
  expect(keys.size).toBe(6);
  expect(counters().agents['there']).toMatchObject({ retried: 2, failed: 2 });
  const { deadLetters } = client;
  const letters = async () => (await deadLetters.list({ agent: 'there', all: true })).items;
  const ofThere = { kind: 'task', actor: 'broadcast/b', from: 'agent.there' };
  await expect.poll(letters).toMatchObject([ofThere, ofThere]);
  // A letter of a subscription goes to the agent of that subscription alone, with what a person has put in its body.
  const { number = 0 } = (await letters()).find(({ description }) => description === 'never') ?? {};
  const change = { set: { 'input.item.n': 4 } };
  await expect.poll(() => deadLetters.edit(number, change)).toBe('edited');
  expect((await deadLetters.show(number))?.was).toMatchObject({
    input: { $payload: expect.any(String), bytes: 300_026 },
  });
  const foreseen: unknown[] = [];
  for await (const { foresight } of deadLetters.redrive([number], { dryRun: true })) foreseen.push(foresight);
  expect(foreseen).toMatchObject([{ would: 'run', agent: 'there', awaited: false }]);
  for await (const { outcome } of deadLetters.redrive([number])) expect(outcome).toBe('redriven');
  await expect.poll(() => asked.slice(here.length + there.length)).toEqual(['there 4.1', 'there 4.2']);
  await expect.poll(async () => (await letters()).map(({ description }) => description)).toEqual(['not now']);
});

it('cancels the copies that nobody waits for any more', async () => {
  const begun: number[] = [];
  const gate = Promise.withResolvers<void>();
  await using test = await startRuntime({
    machines,
    topics,
    agents: {
      here: { run: () => 'at once' },
      there: {
        concurrency: 1,
        run: async ({ item }: Asked) => {
          begun.push(item.n);
          await gate.promise;
          return 'late';
        },
      },
    },
  });
  const { client, counters } = test.runtime;
  const items = [1, 2, 3, 4, 5].map((n) => ({ n, text: '' }));
  const { got } = (await client.run('broadcast', { id: 'c', input: { items, good: 5 } as never })) as {
    got: unknown;
  };
  expect(got).toMatchObject({ outcome: 'quorum', ok: 5 });
  gate.resolve();
  await expect.poll(() => counters().agents['there']?.cancelled).toBe(5 - begun.length);
  expect(begun.length).toBeLessThanOrEqual(1);
});

it('refuses a subscription whose agent has a lane, which copies would pass by', async () => {
  const agents = { here: { run: () => null, lane: false }, there: { run: () => null, lane: true } };
  await expect(startRuntime({ machines, topics, agents })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(/^topics.reviews.subscriptions.us: the agent 'there' has a lane.+$/),
  });
});

it('refuses a subscription whose agent is not there, before anything starts', async () => {
  await expect(
    startRuntime({ machines, topics, agents: { here: { run: () => null } } }),
  ).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining("topics.reviews.subscriptions.us: there is no agent 'there'"),
  });
});

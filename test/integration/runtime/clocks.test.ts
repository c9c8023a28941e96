// One clock (bridge/time/clocks.ts): whatever the clocks of client, asker and agents say, a scenario comes to the same.

import type { Broker } from 'quorate-broker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createBridge } from '../../../src/bridge/bridge.ts';
import { createClient } from '../../../src/client/client.ts';
import type { AgentContext, Role } from '../../../src/contract/config.ts';
import { LOCK_MS, startBrokerFor } from '../../kit/broker.ts';
import { memoryPayloads, memoryStreams } from '../../kit/memory-storage.ts';
import { app, startRuntime } from '../../kit/runtime.ts';

const MINUTE_MS = 60_000;
const SKEWS = { right: 0, ahead: 2 * MINUTE_MS, behind: -60 * MINUTE_MS };
type Skew = keyof typeof SKEWS;

const machines = {
  deal: app('patterns.machine.ts', 'deal'),
  asker: app('asker.machine.ts', 'asker'),
  wake: app('wake.machine.ts', 'wake'),
};

let broker: Broker;
beforeAll(async () => {
  broker = await startBrokerFor(Object.keys(machines), ['oracle', 'cheap', 'dear', 'buyer']);
});
afterAll(() => broker.stop());

const left: number[] = [];
const agents = {
  // Answers at the second attempt: its retry is a scheduled message with a time to live of its own.
  oracle: {
    retry: { backoffMs: 50 },
    run: (_: unknown, { attempt, deadlineAt }: AgentContext) => {
      left.push(deadlineAt - Date.now());
      if (attempt === 1) throw new Error('not yet');
      return 'because';
    },
  },
  cheap: { run: () => ({ price: 1 }) },
  dear: { run: () => ({ price: 2 }) },
  buyer: { run: () => ({ choice: 0, score: 10 }) },
};

async function scenario(id: string, client: Skew, asker: Skew, agent: Skew) {
  const lines: string[] = [];
  const logger = {
    debug: () => {},
    info: () => {},
    warn: (line: string) => void lines.push(line),
    error: () => {},
  };
  const clockOf = (skew: Skew) => ({ now: () => Date.now() + SKEWS[skew] });
  const { connectionString } = broker;
  const host = (roles: Role[], skew: Skew) =>
    startRuntime(
      { machines, agents, roles, connectionString, lockDurationMs: LOCK_MS },
      { clock: clockOf(skew), logger },
    );
  await using actors = await host(['actors'], asker);
  await using workers = await host(['agents'], agent);
  const bridge = await createBridge({
    connection: { kind: 'connectionString', connectionString },
    prefix: '',
    topology: 'check',
    lockDurationMs: LOCK_MS,
    duplicateWindowMs: 600_000,
    logger,
    clock: clockOf(client),
  });
  const caller = createClient({
    bridge,
    payloads: memoryPayloads(),
    streams: async () => memoryStreams(),
    clock: bridge.clock,
  });
  const began = Date.now();
  const ends = await Promise.all([
    caller.run('asker', { id, input: { question: 'why' } as never }),
    caller
      .run('deal', { id, input: { request: 'a car' } as never })
      .then((deal) => (deal as { outcome: string }).outcome),
    caller.run('wake', { id }),
  ]);
  const { status } = await caller.query('asker', id, { timeoutMs: 20_000 });
  await caller.close();
  await bridge.close();
  expect(actors.runtime.counters().deadLetters).toBe(0);
  expect(workers.runtime.counters().agents['oracle']?.started).toBe(2);
  return { ends, status, took: Date.now() - began, lines };
}

const CASES: readonly (readonly [client: Skew, asker: Skew, agent: Skew])[] = [
  ['right', 'right', 'right'],
  ['right', 'ahead', 'behind'],
  ['behind', 'right', 'ahead'],
  ['ahead', 'behind', 'right'],
  ['behind', 'behind', 'behind'],
];

it.each(CASES)('client %s, asker %s, agents %s: the same', async (...skews) => {
  const { ends, status, took, lines } = await scenario(skews.join('-'), ...skews);
  expect([...ends, status]).toEqual([{ answer: 'because' }, 'accepted', { woken: true }, 'done']);
  // A timer that went by a clock an hour behind would ring at once, by one ahead in two minutes.
  expect(took).toBeGreaterThanOrEqual(1_000);
  expect(took).toBeLessThan(MINUTE_MS);
  // What is left of ten minutes, whoever asks.
  for (const ms of left.splice(0)) expect(Math.abs(ms - 10 * MINUTE_MS)).toBeLessThan(MINUTE_MS);
  const said = (skew: Skew) => (skew === 'right' ? '' : skew === 'ahead' ? 'ahead of' : 'behind');
  for (const skew of skews.filter((one) => one === 'behind'))
    expect(lines.join('\n')).toContain(`s ${said(skew)} the broker's`);
});

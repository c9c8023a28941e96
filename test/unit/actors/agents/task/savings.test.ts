// What was not begun is saved, once: as its agent estimates it, told to each asker in one message for all that a process drops in a moment.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { savedBy } from '../../../../../src/actors/agents/task/bill.ts';
import { createSavings } from '../../../../../src/actors/agents/task/savings.ts';
import type { Next, Task, TaskHost } from '../../../../../src/actors/agents/task/task.ts';
import { readUsage } from '../../../../../src/actors/protocol/usage.ts';
import type { IoAgent } from '../../../../../src/contract/config.ts';
import type { Json } from '../../../../../src/contract/json.ts';
import { SILENT } from '../../../../../src/contract/ports.ts';
import { type CostRow, NO_AMOUNT, savedRow } from '../../../../../src/contract/usage.ts';
import type { TaskBody, WireMessage } from '../../../../../src/contract/wire.ts';
import { inbound } from '../../../../kit/inbound.ts';
import { memoryPayloads } from '../../../../kit/memory-storage.ts';

const CANCELLED: Next = { kind: 'drop', counted: 'cancelled' };
const LIFE = 'life';

function taskOf(
  more: { deliveryCount?: number; session?: string; execution?: string; replyTo?: string } = {},
): Task {
  const { deliveryCount = 0, session = 's', execution = `1.0~${LIFE}`, replyTo = 'actor.m' } = more;
  const body: TaskBody = {
    kind: 'task',
    agent: 'a',
    input: 'a question',
    key: 'k',
    execution,
    branch: 3,
    attempt: 1,
    deadlineAt: 9,
  };
  const message = inbound('task', body as unknown as Json, {
    deliveryCount,
    replyTo,
    replyToSessionId: session,
  });
  return { body, message } as unknown as Task;
}

function hostWith(config: Partial<IoAgent>): TaskHost {
  return {
    resolve: () => ({ kind: 'agent', config: { run: async () => null, ...config } }),
    payloads: memoryPayloads(),
    prices: () => ({ m: { inputPerMillion: 1, outputPerMillion: 10, at: '2026-11-01' } }),
    logger: SILENT,
  } as unknown as TaskHost;
}

const estimating = hostWith({ model: 'm', estimate: () => ({ tokens: 300, outputTokens: 100 }) });

describe('a task that was cancelled', () => {
  it('saves what its agent estimates, at its price', async () => {
    const rows = await savedBy(taskOf(), CANCELLED, estimating);
    expect(rows).toEqual([
      {
        agent: 'a',
        model: 'm',
        ...NO_AMOUNT,
        saved: { ...NO_AMOUNT, inputTokens: 200, outputTokens: 100, calls: 1, microUsd: 1_200 },
      },
    ]);
  });

  it.each<[string, Task, Next, TaskHost]>([
    ['that may have been begun before', taskOf({ deliveryCount: 1 }), CANCELLED, estimating],
    ['while it ran', taskOf(), { kind: 'drop', counted: 'aborted' }, estimating],
    ['of an agent that estimates nothing', taskOf(), CANCELLED, hostWith({})],
    ['of an agent that is not there', taskOf(), CANCELLED, { ...estimating, resolve: () => undefined }],
  ])('%s saves nothing', async (_, task, next, host) => {
    expect(await savedBy(task, next, host)).toEqual([]);
  });
});

describe('an asker', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const row = savedRow('a', 'm', { ...NO_AMOUNT, calls: 1, inputTokens: 5 });
  function setUp(publish?: () => Promise<never>) {
    const sent: WireMessage[] = [];
    const savings = createSavings({
      process: 'p',
      bridge: { publish: publish ?? (async (messages) => messages.map((one) => (sent.push(one), {}))) },
      clock: { now: () => 0 },
      logger: SILENT,
    });
    return { savings, sent };
  }
  const told = (message: WireMessage | undefined): readonly CostRow[] | undefined => {
    const { subject = '', body } = message ?? {};
    return readUsage(inbound(subject, body as Json), LIFE)?.rows;
  };

  it('is told once for all that is dropped in a moment, in a message that it books', async () => {
    const { savings, sent } = setUp();
    for (let count = 0; count < 1_000; count++) savings.note(taskOf(), [row]);
    savings.note(taskOf({ session: 'other' }), [row]);
    expect(sent).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sent.map(({ entity, sessionId }) => [entity, sessionId])).toEqual([
      ['actor.m', 's'],
      ['actor.m', 'other'],
    ]);
    expect(told(sent[0])).toMatchObject([{ calls: 0, saved: { calls: 1_000, inputTokens: 5_000 } }]);
    expect(new Set(sent.map(({ messageId }) => messageId)).size).toBe(2);
  });

  it('is told before the process ends', async () => {
    const { savings, sent } = setUp();
    savings.note(taskOf(), [row]);
    await savings.stop();
    expect(told(sent[0])).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sent).toHaveLength(1);
  });

  it('that keeps no books is told nothing, and a broker that takes nothing harms nobody', async () => {
    const { savings, sent } = setUp();
    savings.note(taskOf({ replyTo: 'replies' }), [row]);
    savings.note(taskOf(), []);
    await savings.stop();
    expect(sent).toEqual([]);
    const failing = setUp(() => Promise.reject(new Error('gone')));
    failing.savings.note(taskOf(), [row]);
    await failing.savings.stop();
  });
});

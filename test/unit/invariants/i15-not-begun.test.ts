// I15 Not begun: who stops waiting marks the work before anything else of that turn leaves; who does it looks for the mark
// before the call, and while it runs.
import { expect, it } from 'vitest';
import { createTaskHandler } from '../../../src/actors/agents/task/handler.ts';
import { taskMetrics } from '../../../src/actors/agents/task/metrics.ts';
import { DEFAULT_RETRY, newTaskCounters, type TaskHost } from '../../../src/actors/agents/task/task.ts';
import type { AgentContext, IoAgent } from '../../../src/contract/config.ts';
import type { WireMessage } from '../../../src/contract/wire.ts';
import { Registry } from '../../../src/observability/metrics/registry.ts';
import { fakeHost } from '../../kit/fake-host.ts';
import { FakeQueue } from '../../kit/fake-queue.ts';
import { inbound } from '../../kit/inbound.ts';
import { noteMachine } from '../../kit/note-machine.ts';
import { event, start } from '../../kit/notes.ts';

/** An actor that has asked its agent, the task that left, and a host of that agent on the same store. */
async function setUp(run: IoAgent['run']) {
  const queue = new FakeQueue();
  queue.put(start(), event('ask'));
  const host = fakeHost(noteMachine);
  await queue.hold(host);
  const sent = queue.sent.find(({ subject }) => subject === 'task') as WireMessage;
  const counters = newTaskCounters();
  const agents: TaskHost = {
    ...host,
    name: 'a',
    entity: 'agent.a',
    resolve: () => ({ kind: 'agent', config: { run } }),
    timeoutMs: 1_000,
    retry: DEFAULT_RETRY,
    metrics: taskMetrics(new Registry(), 'a'),
    counters,
    random: () => 0.5,
    budget: undefined,
    claims: undefined,
    limit: undefined,
    prices: () => ({}),
    used: () => {},
    shutdown: new AbortController().signal,
  };
  const { entity: _entity, messageId: _id, subject, body, ...rest } = sent;
  const handle = () => createTaskHandler(agents)(inbound(subject, body, rest), new AbortController().signal);
  return { queue, host, counters, handle };
}

it('I15: a task that waits in its queue is not begun once its asker has stopped', async () => {
  let runs = 0;
  const { queue, host, counters, handle } = await setUp(() => ++runs);
  queue.put(inbound('stop', { kind: 'stop' }));
  await queue.hold(host);
  expect(await handle()).toEqual({ kind: 'complete' });
  expect([runs, counters.cancelled]).toEqual([0, 1]);
});

it('I15: an attempt that runs is told', async () => {
  let begun = (): void => {};
  const running = new Promise<void>((resolve) => {
    begun = resolve;
  });
  let reason: unknown;
  const { queue, host, counters, handle } = await setUp(
    (_input: unknown, { signal }: AgentContext) =>
      new Promise((_resolve, reject) => {
        begun();
        signal.addEventListener('abort', () => {
          reason = signal.reason;
          reject(signal.reason as Error);
        });
      }),
  );
  const done = handle();
  await running;
  queue.put(inbound('stop', { kind: 'stop' }));
  await queue.hold(host);
  expect(await done).toEqual({ kind: 'complete' });
  expect(reason).toMatchObject({ code: 'TASK_CANCELLED' });
  expect(counters.aborted).toBe(1);
});

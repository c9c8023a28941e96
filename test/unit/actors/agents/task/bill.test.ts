// What an attempt used reaches its asker once, however it ended, and whatever becomes of its host.
import { context as otelContext, propagation, trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';
import { describe, expect, it } from 'vitest';
import { createTaskHandler } from '../../../../../src/actors/agents/task/handler.ts';
import { taskMetrics } from '../../../../../src/actors/agents/task/metrics.ts';
import type { TaskHost } from '../../../../../src/actors/agents/task/task.ts';
import { DEFAULT_RETRY, newTaskCounters } from '../../../../../src/actors/agents/task/task.ts';
import { MAX_UNFINISHED } from '../../../../../src/actors/protocol/retries.ts';
import { usageMessageId } from '../../../../../src/actors/protocol/usage.ts';
import type { AgentContext, IoAgent } from '../../../../../src/contract/config.ts';
import { QuorateError } from '../../../../../src/contract/errors.ts';
import { permanent, throttled } from '../../../../../src/contract/failure.ts';
import type { Json } from '../../../../../src/contract/json.ts';
import { SILENT } from '../../../../../src/contract/ports.ts';
import type { CostRow } from '../../../../../src/contract/usage.ts';
import { type InboundMessage, PROPERTY, type WireMessage } from '../../../../../src/contract/wire.ts';
import { Registry } from '../../../../../src/observability/metrics/registry.ts';
import { fakeHost } from '../../../../kit/fake-host.ts';
import { inbound } from '../../../../kit/inbound.ts';
import { memoryCancellations, memoryPayloads } from '../../../../kit/memory-storage.ts';
import { noteMachine } from '../../../../kit/note-machine.ts';

type Run = (input: Json, context: AgentContext) => Promise<Json>;

function setUp(run: Run, agent: Partial<IoAgent> = {}, refuse?: (sent: WireMessage) => string | undefined) {
  const sends: WireMessage[][] = [];
  const used: CostRow[] = [];
  const stored = new Map<string, Json>();
  const host: TaskHost = {
    ...fakeHost(noteMachine),
    name: 'a',
    entity: 'agent.a',
    resolve: () => ({ kind: 'agent', config: { run: run as IoAgent['run'], ...agent } }),
    timeoutMs: 1_000,
    retry: DEFAULT_RETRY,
    bridge: {
      publish: async (messages) => {
        for (const message of messages) {
          const code = refuse?.(message);
          if (code !== undefined) throw new QuorateError(code as 'EFFECT_TOO_LARGE', 'refused');
        }
        sends.push([...messages]);
        return messages.map((_, at) => ({ sequenceNumber: at }));
      },
      cancelScheduled: async () => [],
    },
    results: {
      get: async (_folder, key) => stored.get(key),
      put: async (_folder, key, value) => void stored.set(key, value),
      list: async () => [],
    },
    payloads: memoryPayloads(),
    clock: { now: () => 10_000 },
    random: () => 1,
    budget: undefined,
    claims: undefined,
    limit: undefined,
    prices: () => ({ m: { inputPerMillion: 1, outputPerMillion: 1, at: '2026-11-01' } }),
    used: (rows) => void used.push(...rows),
    logger: SILENT,
    cancellations: memoryCancellations(),
    metrics: taskMetrics(new Registry(), 'a'),
    counters: newTaskCounters(),
    onUnsigned: () => {},
    shutdown: new AbortController().signal,
  };
  const task = (more: Partial<InboundMessage> = {}): InboundMessage =>
    inbound(
      'task',
      {
        kind: 'task',
        agent: 'a',
        input: 2,
        key: 'key',
        execution: '1.0',
        branch: 4,
        attempt: 1,
        deadlineAt: 99_000,
      },
      { replyTo: 'actor.m', replyToSessionId: 's', messageId: 'message', ...more },
    );
  const handle = (more: Partial<InboundMessage> = {}, lost = new AbortController().signal) =>
    createTaskHandler(host)(task(more), lost);
  return { handle, sends, used };
}

const outputOf = ({ body }: WireMessage): Json =>
  (body as unknown as { outcome: { output: Json } }).outcome.output;
const subjects = (sends: readonly WireMessage[][]): string[][] =>
  sends.map((messages) => messages.map(({ subject }) => subject));

const pay: Run = async (_input, context) => {
  context.usage({ inputTokens: 100, outputTokens: 10, model: 'm' });
  return 'answer';
};

it('leaves in front of the answer, in the same send, for the session of its asker', async () => {
  const { handle, sends, used } = setUp(pay);
  await handle();
  expect(subjects(sends)).toEqual([['usage', 'reply']]);
  const [bill] = sends[0] ?? [];
  expect(bill).toMatchObject({
    entity: 'actor.m',
    sessionId: 's',
    messageId: usageMessageId('message', 0, 0),
    // Hosts that keep no books drop it as a reply that nobody waits for.
    body: { kind: 'reply', execution: 'usage' },
  });
  expect(outputOf(bill as WireMessage)).toMatchObject({
    execution: '1.0',
    branch: 4,
    of: 'answer',
    until: 99_000,
  });
  expect(used).toMatchObject([{ agent: 'a', model: 'm', inputTokens: 100, microUsd: 110 }]);
});

it('is no message, and nothing is asked, where nothing was said and nothing is estimated', async () => {
  const { handle, sends, used } = setUp(async () => 'answer');
  await handle({ deliveryCount: 1 });
  expect(subjects(sends)).toEqual([['reply']]);
  expect(used).toEqual([]);
});

it.each<{ of: string; thrown: unknown; sent: string[][] }>([
  { of: 'is tried again', thrown: new Error('no'), sent: [['usage', 'task']] },
  { of: 'waits for a limit', thrown: throttled({ retryAfterMs: 5 }), sent: [['usage', 'task']] },
  { of: 'is given up', thrown: permanent(), sent: [['usage']] },
])('of an attempt that failed and $of is sent as well', async ({ thrown, sent }) => {
  const { handle, sends } = setUp(async (input, context) => {
    await pay(input, context);
    throw thrown;
  });
  await handle();
  expect(subjects(sends)).toEqual(sent);
  expect(outputOf(sends[0]?.[0] as WireMessage)).toMatchObject({
    of: 'nothing',
    rows: [{ inputTokens: 100 }],
  });
});

it('of a lost attempt counts as it was estimated, under the id that its own bill had', async () => {
  const agent: Partial<IoAgent> = { estimate: () => ({ tokens: 50 }), model: 'm' };
  const { handle, sends } = setUp(pay, agent);
  await handle({ deliveryCount: 1 });
  expect(subjects(sends)).toEqual([['usage'], ['usage', 'reply']]);
  const [[lost], [own]] = sends as [[WireMessage], [WireMessage]];
  expect([lost.messageId, own.messageId]).toEqual([
    usageMessageId('message', 0, 0),
    usageMessageId('message', 1, 0),
  ]);
  expect(outputOf(lost)).toMatchObject({
    of: 'nothing',
    rows: [{ estimated: { inputTokens: 50, microUsd: 50 } }],
  });
});

it('is sent by a host that lost its lock, and what its agent says later too', async () => {
  const lost = new AbortController();
  let saysLater = (): void => {};
  const { handle, sends } = setUp(async (input, context) => {
    await pay(input, context);
    saysLater = () => context.usage({ inputTokens: 7 });
    lost.abort(new Error('gone'));
    return new Promise(() => {});
  });
  await expect(handle({}, lost.signal)).rejects.toThrow('lock');
  saysLater();
  await new Promise(setImmediate);
  expect(sends.flat().map(({ messageId }) => messageId)).toEqual([
    usageMessageId('message', 0, 0),
    usageMessageId('message', 0, 1),
  ]);
});

it('that nobody takes does not fail the work', async () => {
  const failing = setUp(
    async (input, context) => {
      await pay(input, context);
      throw permanent();
    },
    {},
    ({ subject }) => (subject === 'usage' ? 'EFFECT_TOO_LARGE' : undefined),
  );
  expect(await failing.handle()).toMatchObject({ kind: 'deadLetter', reason: 'TASK_FAILED' });
});

it('is not sent to who keeps no books', async () => {
  const { handle, sends } = setUp(pay);
  await handle({ replyTo: 'replies' });
  expect(subjects(sends)).toEqual([['reply']]);
});

it('is on the span of the attempt', async () => {
  const exporter = new InMemorySpanExporter();
  new NodeSDK({
    autoDetectResources: false,
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
    metricReaders: [],
    logRecordProcessors: [],
  }).start();
  try {
    const { handle } = setUp(pay);
    await handle();
    const [span] = exporter.getFinishedSpans();
    expect(span?.attributes).toMatchObject({
      'gen_ai.usage.input_tokens': 100,
      'gen_ai.usage.output_tokens': 10,
      'gen_ai.request.model': 'm',
      'quorate.usage.micro_usd': 110,
    });
  } finally {
    trace.disable();
    otelContext.disable();
    propagation.disable();
  }
});

describe('under a budget', () => {
  const FUNDED = { properties: { [PROPERTY.budget]: '70/500', [PROPERTY.agent]: 'a' } };
  const agains = (sends: readonly WireMessage[][]) =>
    sends.flat().flatMap((message) => {
      const { again } = outputOf(message) as unknown as { again?: WireMessage };
      return again === undefined ? [] : [again];
    });
  const rowsOf = (message: WireMessage | undefined) =>
    (outputOf(message as WireMessage) as unknown as { rows: CostRow[] }).rows;

  it('the next attempt is asked for, and not sent', async () => {
    const { handle, sends } = setUp(async (input, context) => {
      await pay(input, context);
      throw new Error('no');
    });
    expect(await handle(FUNDED)).toEqual({ kind: 'complete' });
    expect(subjects(sends)).toEqual([['usage', 'usage']]);
    expect(agains(sends)).toMatchObject([
      {
        entity: 'agent.a',
        subject: 'task',
        body: { attempt: 2 },
        properties: { [PROPERTY.budget]: '70/500' },
      },
    ]);
  });

  it('a lost attempt counts as it was reserved, and the task is begun only when it is reserved for anew', async () => {
    let begun = 0;
    const { handle, sends } = setUp(async () => ++begun);
    expect(await handle({ ...FUNDED, deliveryCount: 1 })).toEqual({ kind: 'complete' });
    expect(begun).toBe(0);
    const [[bill]] = sends as [[WireMessage]];
    expect(bill.messageId).toBe(usageMessageId('message', 0, 0));
    expect(rowsOf(bill)).toMatchObject([{ microUsd: 70, inputTokens: 500, estimated: { microUsd: 70 } }]);
    expect(agains(sends)).toMatchObject([{ body: { attempt: 1 }, properties: { [PROPERTY.lost]: 1 } }]);
  });

  it('a task whose hosts are gone again and again is given up in the end', async () => {
    const { handle } = setUp(pay);
    const properties = { ...FUNDED.properties, [PROPERTY.lost]: MAX_UNFINISHED };
    expect(await handle({ properties })).toMatchObject({ kind: 'deadLetter' });
  });

  it('what is not begun, says nothing or is answered from the store gives back what was reserved', async () => {
    const silent = setUp(async () => 'answer');
    await silent.handle(FUNDED);
    await silent.handle(FUNDED);
    expect(subjects(silent.sends)).toEqual([
      ['usage', 'reply'],
      ['usage', 'reply'],
    ]);
    const late = setUp(pay);
    await late.handle({ ...FUNDED, timeToLiveMs: 0, enqueuedAt: 1, deliveredAt: 2 });
    for (const { sends } of [silent, late]) expect(rowsOf(sends[0]?.[0])).toEqual([]);
  });
});

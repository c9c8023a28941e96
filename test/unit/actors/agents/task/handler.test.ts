import { describe, expect, it, vi } from 'vitest';
import { createTaskClaims } from '../../../../../src/actors/agents/task/claim.ts';
import { createTaskHandler } from '../../../../../src/actors/agents/task/handler.ts';
import { taskMetrics } from '../../../../../src/actors/agents/task/metrics.ts';
import { createRetryLedger } from '../../../../../src/actors/agents/task/retry-budget.ts';
import type { TaskHost } from '../../../../../src/actors/agents/task/task.ts';
import { DEFAULT_RETRY, newTaskCounters } from '../../../../../src/actors/agents/task/task.ts';
import type { Cancellations } from '../../../../../src/actors/protocol/cancellations.ts';
import { claimLarge, jsonBytes, openClaims } from '../../../../../src/actors/protocol/claims.ts';
import { taskMessageId } from '../../../../../src/actors/protocol/ids.ts';
import { childLineage, executionMark, lifeMark } from '../../../../../src/actors/protocol/lineage.ts';
import type { AgentContext, IoAgent, RetryBudget } from '../../../../../src/contract/config.ts';
import { QuorateError } from '../../../../../src/contract/errors.ts';
import { throttled, toTaskError } from '../../../../../src/contract/failure.ts';
import type { Json } from '../../../../../src/contract/json.ts';
import type { TaskClaimStore } from '../../../../../src/contract/payload.ts';
import type { WorkerPool } from '../../../../../src/contract/ports.ts';
import { MAX_BODY_BYTES, MAX_CLAIM_BYTES } from '../../../../../src/contract/sizes.ts';
import type { InboundMessage, TaskBody, WireMessage } from '../../../../../src/contract/wire.ts';
import { PROPERTY } from '../../../../../src/contract/wire.ts';
import { Registry } from '../../../../../src/observability/metrics/registry.ts';
import { createTaskClaimFiles } from '../../../../../src/storage/task-claims.ts';
import { inbound } from '../../../../kit/inbound.ts';
import { memoryCancellations, memoryPayloads, memoryStorage } from '../../../../kit/memory-storage.ts';
import { NO_JSON } from '../../../../kit/no-json.ts';

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const noPool: WorkerPool = {
  run: () => Promise.reject(new Error('no pool in this test')),
  waiting: 0,
  waitingTurns: 0,
  replace: async () => {},
  close: async () => {},
};

function setUp(run: IoAgent['run'], more: Partial<TaskHost> = {}) {
  const published: WireMessage[] = [];
  const stored = new Map<string, Json>();
  const host: TaskHost = {
    name: 'a',
    entity: 'agent.a',
    resolve: () => ({ kind: 'agent', config: { run } }),
    timeoutMs: 1_000,
    retry: DEFAULT_RETRY,
    bridge: {
      publish: async (messages) => {
        published.push(...messages);
        return messages.map(() => ({}));
      },
      cancelScheduled: async () => [],
    },
    pool: noPool,
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
    prices: () => ({}),
    used: () => {},
    logger: silent,
    cancellations: memoryCancellations(),
    metrics: taskMetrics(new Registry(), 'a'),
    counters: newTaskCounters(),
    onUnsigned: () => {},
    shutdown: new AbortController().signal,
    ...more,
  };
  const handler = createTaskHandler(host);
  const handle = (
    body: Partial<TaskBody> = {},
    deliveryCount = 0,
    lost = new AbortController().signal,
    properties: InboundMessage['properties'] = {},
    arrival: Partial<InboundMessage> = {},
  ) =>
    handler(
      inbound(
        'task',
        {
          kind: 'task',
          agent: 'a',
          input: 2,
          key: 'key',
          execution: '1.0',
          branch: null,
          attempt: 1,
          deadlineAt: 100_000,
          ...body,
        },
        { replyTo: 'actor.m', replyToSessionId: 's', deliveryCount, properties, ...arrival },
      ),
      lost,
    );
  return { host, handle, published, stored };
}

describe('a retry that is sent', () => {
  const away = (): Promise<never> => Promise.reject(new Error('the store is away'));
  const isNote = (folder: string): boolean => folder.includes('/retries/');

  it.each([
    { of: 'a store that takes no note', put: away, retried: 1 },
    { of: 'a store that does not say whether it is in vain', get: away, retried: 1 },
    { of: 'a broker that does not take it back', get: async () => true, cancel: away, retried: 1 },
    { of: 'nothing, and is taken back where it is in vain', get: async () => true, retried: 0 },
  ])('is sent once and done, in spite of $of', async ({ put, get, cancel, retried }) => {
    const taken: number[] = [];
    const sent: WireMessage[] = [];
    const { handle, host } = setUp(
      (() => {
        throw new Error('no');
      }) as IoAgent['run'],
      {
        bridge: {
          publish: async (messages) => {
            sent.push(...messages);
            return messages.map(() => ({ sequenceNumber: 7 }));
          },
          cancelScheduled:
            cancel ??
            (async (_, numbers) => {
              taken.push(...numbers);
              return [];
            }),
        },
        results: {
          get: async (folder) => (isNote(folder) ? get?.() : undefined),
          put: async (folder) => (isNote(folder) ? put?.() : undefined),
          list: async () => [],
        },
      },
    );
    expect(await handle()).toEqual({ kind: 'complete' });
    expect(sent).toHaveLength(1);
    expect(host.counters).toMatchObject({ started: 1, retried });
    expect(taken).toEqual(retried === 0 ? [7] : []);
  });
});

describe('what a task has left', () => {
  const never = new AbortController().signal;
  const NOW = 10_000;

  it.each([
    { what: 'is its time to live less its wait, whatever the asker’s clock said', deadlineAt: 1, left: 900 },
    { what: 'is that also where the asker’s clock is ahead', deadlineAt: 9_999_999, left: 900 },
    {
      what: 'is not more for a delivery that seems to be before it',
      deadlineAt: 1,
      deliveredAt: 5,
      left: 1_000,
    },
  ])('$what', async ({ deadlineAt, left, deliveredAt = 600 }) => {
    const seen: number[] = [];
    const { handle, published } = setUp(((_: unknown, context: AgentContext) => {
      seen.push(context.deadlineAt - NOW);
      return null;
    }) as IoAgent['run']);
    const arrival = { timeToLiveMs: 1_000, enqueuedAt: 500, deliveredAt };
    await handle({ deadlineAt }, 0, never, {}, arrival);
    expect([seen, published.length]).toEqual([[left], 1]);
  });

  it('is nothing once its time to live is over, and by its deadline where it has none', async () => {
    const { handle, host } = setUp((() => null) as IoAgent['run']);
    await handle({}, 0, never, {}, { timeToLiveMs: 100, enqueuedAt: 500, deliveredAt: 600 });
    await handle({ deadlineAt: NOW }, 0, never, {}, { enqueuedAt: 500, deliveredAt: 600 });
    expect(host.counters.started).toBe(0);
    await handle({ deadlineAt: NOW + 1 }, 0, never, {}, { enqueuedAt: 500, deliveredAt: 600 });
    expect(host.counters.started).toBe(1);
  });

  it('bounds its next attempt', async () => {
    const { handle, published } = setUp((() => {
      throw new Error('no');
    }) as IoAgent['run']);
    await handle({ deadlineAt: 1 }, 0, never, {}, { timeToLiveMs: 5_000, enqueuedAt: 500, deliveredAt: 600 });
    expect(published).toMatchObject([{ subject: 'task', notBefore: NOW + 1_000, timeToLiveMs: 3_900 }]);
    const late = await handle({}, 0, never, {}, { timeToLiveMs: 900, enqueuedAt: 500, deliveredAt: 600 });
    expect(late.kind).toBe('deadLetter');
  });
});

describe('pieces of an answer', () => {
  it('leave in order and before the answer, though nobody waited for them', async () => {
    const { handle, published } = setUp(((_: unknown, { partial }: AgentContext) => {
      for (let n = 0; n < 5; n++) void partial(n);
      return 'end';
    }) as IoAgent['run']);
    await handle();
    expect(published.map(({ subject, body }) => [subject, (body as { seq?: number }).seq])).toEqual([
      ...[0, 1, 2, 3, 4].map((seq) => ['partial', seq]),
      ['reply', undefined],
    ]);
  });

  it('that cannot be sent are said in the log, and harm nothing, when nobody waits for them', async () => {
    const warnings: string[] = [];
    const { handle, published } = setUp(
      ((_: unknown, { partial }: AgentContext) => {
        void partial(new Map() as never);
        return 'end';
      }) as IoAgent['run'],
      { logger: { ...silent, warn: (message) => void warnings.push(message) } },
    );
    expect(await handle()).toEqual({ kind: 'complete' });
    expect(published.map(({ subject }) => subject)).toEqual(['reply']);
    expect(warnings).toEqual([expect.stringContaining('a piece of an answer was not sent')]);
  });
});

describe('an answer that JSON would change', () => {
  it.each(NO_JSON)('fails at once, paid once and with its path: $name', async ({ make, fault }) => {
    let runs = 0;
    const { handle, published, stored } = setUp((() => {
      runs++;
      return make();
    }) as IoAgent['run']);
    const outcome = await handle();
    expect(outcome.kind === 'deadLetter' && JSON.parse(outcome.description)).toMatchObject({
      code: 'OUTPUT_INVALID',
      message: expect.stringContaining(`agent 'a': output${fault}`),
      data: { attempts: 1 },
    });
    expect([runs, published.length, stored.size]).toEqual([1, 0, 0]);
  });

  it('is refused as a piece too, and as a payload', async () => {
    const piece = setUp((async (_: unknown, { partial }: AgentContext) =>
      partial({ at: new Date(0) } as never)) as IoAgent['run']);
    const first = await piece.handle();
    expect(first.kind === 'deadLetter' && JSON.parse(first.description)).toMatchObject({
      code: 'OUTPUT_INVALID',
      message: expect.stringContaining('partial.at is a Date'),
    });
    expect(piece.published).toEqual([]);
    const payload = setUp(
      (async (_: unknown, { payloads }: AgentContext) =>
        (await payloads.put({ n: 1n } as never)).$payload) as IoAgent['run'],
    );
    const second = await payload.handle();
    expect(second.kind === 'deadLetter' && JSON.parse(second.description)).toMatchObject({
      code: 'OUTPUT_INVALID',
      message: expect.stringContaining('value.n is a BigInt'),
    });
  });

  it('leaves undefined fields out', async () => {
    const { handle, published } = setUp(() => ({ a: 1, b: undefined }));
    await handle();
    expect(published).toMatchObject([{ body: { outcome: { status: 'done', output: { a: 1 } } } }]);
  });
});

describe('an attempt that failed', () => {
  it('is logged with what went wrong and for whom', async () => {
    const lines: [string, unknown][] = [];
    const logger = { ...silent, info: (text: string, fields: unknown) => void lines.push([text, fields]) };
    const { handle } = setUp(() => Promise.reject(new Error('the model is overloaded')), { logger });
    await handle({}, 0, undefined, { 'quorate-from': 'order/17' });
    expect(lines).toEqual([
      [
        'attempt 1 of a failed, again in 1000 ms: the model is overloaded',
        { code: 'TASK_FAILED', task: 'key', actor: 'order/17' },
      ],
    ]);
  });

  it('keeps the numeric code and the data of its error', async () => {
    const error = Object.assign(new Error('bad arguments'), { code: -32602, data: { field: 'q' } });
    const outcome = await setUp(() => Promise.reject(error), {
      retry: { ...DEFAULT_RETRY, attempts: 1 },
    }).handle();
    expect(outcome.kind === 'deadLetter' && JSON.parse(outcome.description)).toMatchObject({
      code: '-32602',
      data: { field: 'q', attempts: 1 },
    });
  });
});

describe('a task', () => {
  it('is run, its result stored, its reply sent to the asker’s session, then completed', async () => {
    const { handle, published, stored } = setUp((input: number, { key }: AgentContext) => ({
      twice: input * 2,
      key,
    }));
    expect(await handle()).toEqual({ kind: 'complete' });
    expect(published).toMatchObject([
      {
        entity: 'actor.m',
        sessionId: 's',
        subject: 'reply',
        body: {
          kind: 'reply',
          execution: '1.0',
          outcome: { status: 'done', output: { twice: 4, key: 'key' } },
        },
      },
    ]);
    expect(stored.get('key')).toEqual({ status: 'done', output: { twice: 4, key: 'key' } });
  });

  it('is answered from the store when it comes again: same reply, same id, no second run', async () => {
    let runs = 0;
    const { handle, published, host } = setUp(() => ++runs);
    await handle();
    await handle({}, 1);
    expect(runs).toBe(1);
    expect(published[1]).toEqual(published[0]);
    expect(host.counters.answeredFromStore).toBe(1);
  });

  it('leaves nothing of its large input behind once it is answered', async () => {
    const storage = memoryStorage();
    const seen: Json[] = [];
    const { handle, host } = setUp((input: Json) => seen.push(input), { payloads: memoryPayloads(storage) });
    const input = 'x'.repeat(MAX_BODY_BYTES);
    const sent = {
      entity: 'agent.a',
      subject: 'task' as const,
      messageId: 'm',
      replyTo: 'actor.m',
      replyToSessionId: 's',
    };
    const claimed = await claimLarge({ ...sent, body: { input } }, host.payloads);
    expect(storage.files.size).toBe(1);
    await handle(claimed.body as Partial<TaskBody>, 0, undefined, claimed.properties);
    expect(seen).toEqual([input]);
    expect(storage.files.size).toBe(0);
  });

  it('in a folder that nobody has signed is done in that of its asker, and the folder is told of', async () => {
    const unsigned: string[] = [];
    const folders: string[] = [];
    const { handle } = setUp(() => 1, {
      onUnsigned: (folder) => void unsigned.push(folder),
      results: {
        get: async () => undefined,
        put: async (folder) => void folders.push(folder),
        list: async () => [],
      },
    });
    await handle({}, 0, undefined, { [PROPERTY.family]: 'of/somebody/else' });
    expect(unsigned).toEqual(['of/somebody/else']);
    expect(folders).toEqual([expect.stringMatching(/\/unsigned$/)]);
  });

  it('comes back as a scheduled message with back-off after a failed attempt', async () => {
    const { handle, published } = setUp(() => Promise.reject(new Error('flaky')));
    expect(await handle({ attempt: 2 })).toEqual({ kind: 'complete' });
    expect(published).toMatchObject([
      { entity: 'agent.a', subject: 'task', notBefore: 12_000, body: { attempt: 3, key: 'key' } },
    ]);
  });

  it('is dead-lettered with its error after the last attempt, at once if not retryable, and if its deadline is near', async () => {
    const failing = () => Promise.reject(Object.assign(new Error('broken'), { code: 'E1' }));
    const last = await setUp(failing).handle({ attempt: 3 });
    expect(last).toMatchObject({ kind: 'deadLetter', reason: 'TASK_FAILED' });
    expect(last.kind === 'deadLetter' && JSON.parse(last.description)).toMatchObject({
      code: 'E1',
      message: 'broken',
      data: { attempts: 3 },
    });
    const fatal = setUp(() => Promise.reject(Object.assign(new Error('no'), { retryable: false })));
    expect((await fatal.handle()).kind).toBe('deadLetter');
    expect((await setUp(failing).handle({ deadlineAt: 10_500 })).kind).toBe('deadLetter');
  });

  it('whose answer is larger than the payload store takes fails at once with the reason, and stores nothing', async () => {
    const { handle, published, stored } = setUp(() => 'x'.repeat(MAX_CLAIM_BYTES));
    const outcome = await handle();
    expect(outcome.kind === 'deadLetter' && JSON.parse(outcome.description)).toMatchObject({
      code: 'EFFECT_TOO_LARGE',
    });
    expect([published.length, stored.size]).toEqual([0, 0]);
  });

  describe('of any size, with attempts that fail', () => {
    const failing = () => Promise.reject(Object.assign(new Error('flaky'), { code: 'E1' }));
    const sizes = [150_000, 190_000, MAX_BODY_BYTES - 300, MAX_BODY_BYTES, 198_500, 224_000, 300_000];

    it.each(sizes)('comes back small enough to be scheduled, and whole: %d', async (size) => {
      const { host, handle, published } = setUp(failing);
      const input = 'x'.repeat(size);
      expect(await handle({ input })).toEqual({ kind: 'complete' });
      const [again] = published;
      expect(jsonBytes(again?.body ?? null)).toBeLessThanOrEqual(MAX_BODY_BYTES);
      const { properties = {}, body } = again as WireMessage;
      const opened = await openClaims(inbound('task', body, { properties }), host.payloads);
      expect((opened.body as TaskBody).input).toBe(input);
    });

    it('is given up with its own error when it can never be scheduled, and not run once more', async () => {
      const refused = new QuorateError('EFFECT_TOO_LARGE', 'too large');
      const { host, handle } = setUp(failing, {
        bridge: { publish: () => Promise.reject(refused), cancelScheduled: async () => [] },
      });
      const outcome = await handle();
      expect(outcome).toMatchObject({ kind: 'deadLetter', reason: 'TASK_FAILED' });
      expect(outcome.kind === 'deadLetter' && JSON.parse(outcome.description)).toMatchObject({
        code: 'E1',
        message: 'flaky',
        data: { attempts: 1, notRetried: 'too large' },
      });
      expect(host.counters).toMatchObject({ started: 1, retried: 0, failed: 1 });
    });

    it('that can never be answered is dead-lettered with the reason', async () => {
      const refused = new QuorateError('EFFECT_TOO_LARGE', 'too large');
      const { handle } = setUp(() => 'answer', {
        bridge: { publish: () => Promise.reject(refused), cancelScheduled: async () => [] },
      });
      const outcome = await handle();
      expect(outcome.kind === 'deadLetter' && JSON.parse(outcome.description)).toMatchObject({
        code: 'EFFECT_TOO_LARGE',
      });
    });
  });

  it('says why it failed in a description that is whole JSON, however long code, message and data are', async () => {
    const long = Object.assign(new Error('"\n'.repeat(5_000)), { code: 'C'.repeat(5_000) });
    const outcome = await setUp(() => Promise.reject(long)).handle({ attempt: 3 });
    const { description } = outcome as Extract<typeof outcome, { kind: 'deadLetter' }>;
    expect(description.length).toBeLessThan(4_096);
    expect(JSON.parse(description)).toEqual({
      code: expect.stringMatching(/^C+…$/),
      message: expect.stringMatching(/^("\n)+"?…$/),
      data: { attempts: 3 },
    });
  });

  it('that names nobody to answer is run, stored and completed', async () => {
    const { host, stored } = setUp((input: number) => input);
    const handler = createTaskHandler(host);
    const body = {
      kind: 'task',
      agent: 'a',
      input: 2,
      key: 'k',
      execution: '1.0',
      branch: null,
      attempt: 1,
      deadlineAt: 100_000,
    };
    expect(await handler(inbound('task', body), new AbortController().signal)).toEqual({ kind: 'complete' });
    expect(stored.get('k')).toEqual({ status: 'done', output: 2 });
  });

  it('outlives more deaths of hosts than failures of its own, though not any number', async () => {
    let runs = 0;
    const { handle } = setUp(() => ++runs);
    expect(await handle({}, 9)).toEqual({ kind: 'complete' });
    expect(runs).toBe(1);
    expect(await handle({ key: 'other' }, 10)).toMatchObject({ kind: 'deadLetter', reason: 'TASK_FAILED' });
    expect(runs).toBe(1);
  });

  it('tells its agent how often it was begun, by this host and by those that were gone', async () => {
    const seen: number[] = [];
    const { handle } = setUp((_: unknown, { attempt }: AgentContext) => {
      seen.push(attempt);
      throw new Error('no');
    });
    await handle({ attempt: 2 }, 3);
    expect(seen).toEqual([5]);
  });

  it('fails without the key that its agent was refused with', async () => {
    const refused = () => Promise.reject(new Error('401 for Authorization: Bearer abc.def-ghi'));
    const outcome = await setUp(refused).handle({ attempt: 3 });
    const { description } = outcome as Extract<typeof outcome, { kind: 'deadLetter' }>;
    expect(description).toContain('401 for');
    expect(description).not.toContain('abc.def-ghi');
  });

  it('has all its attempts when it fails by itself after hosts have died', async () => {
    const { handle, published } = setUp(() => {
      throw new Error('no');
    });
    expect(await handle({ attempt: 2 }, 5)).toEqual({ kind: 'complete' });
    expect(published).toMatchObject([{ subject: 'task', body: { attempt: 3 } }]);
    expect(await handle({ attempt: 3 }, 5)).toMatchObject({ kind: 'deadLetter', reason: 'TASK_FAILED' });
  });

  it('times out with a code and aborts the agent’s signal', async () => {
    let aborted = false;
    const { handle, published } = setUp(
      (_: unknown, { signal }: AgentContext) =>
        new Promise(() => signal.addEventListener('abort', () => (aborted = true))),
      { timeoutMs: 20, retry: { ...DEFAULT_RETRY, attempts: 1 } },
    );
    const outcome = await handle();
    expect(outcome.kind === 'deadLetter' && JSON.parse(outcome.description)).toMatchObject({
      code: 'AGENT_TIMEOUT',
    });
    expect(aborted).toBe(true);
    expect(published).toEqual([]);
  });

  it('answers as an offer with a time to live when it was asked for one', async () => {
    const { handle, published } = setUp(() => ({ price: 1 }));
    await handle({ offerTtlMs: 500, branch: 1 });
    expect(published).toMatchObject([
      {
        entity: 'offers',
        subject: 'offer',
        timeToLiveMs: 500,
        replyTo: 'actor.m',
        replyToSessionId: 's',
        body: { branch: 1, expiresAt: 10_500 },
      },
    ]);
  });

  it('is handed back as it was when the grace of a shutdown ends', async () => {
    const grace = new AbortController();
    const { handle, published } = setUp(
      (_: unknown, { signal }: AgentContext) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      { shutdown: grace.signal },
    );
    const done = handle();
    setImmediate(() => grace.abort(new Error('stopping')));
    expect(await done).toEqual({ kind: 'complete' });
    expect(published).toMatchObject([{ entity: 'agent.a', subject: 'task', body: { attempt: 1 } }]);
  });

  it('is handed back under an id of its own, for the broker drops what has the id of the message in hand', async () => {
    const grace = new AbortController();
    const { handle, published } = setUp(
      () => {
        grace.abort();
        throw new Error('stopped');
      },
      { shutdown: grace.signal },
    );
    for (const sequenceNumber of [7, 8]) await handle({}, 0, undefined, {}, { sequenceNumber });
    const ids = published.map(({ messageId }) => messageId);
    expect(new Set([taskMessageId('key', 1), ...ids]).size).toBe(3);
  });

  it('is left to its next holder when the lock is lost', async () => {
    const lock = new AbortController();
    const { handle } = setUp(
      (_: unknown, { signal }: AgentContext) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    );
    const done = handle({}, 0, lock.signal);
    setImmediate(() => lock.abort(new Error('lock lost')));
    await expect(done).rejects.toThrow('lock was lost');
  });

  it('does nothing for an asker that has stopped waiting', async () => {
    let runs = 0;
    const { handle, published } = setUp(() => ++runs);
    expect(await handle({ deadlineAt: 9_999 })).toEqual({ kind: 'complete' });
    expect([runs, published.length]).toEqual([0, 0]);
  });

  it('is dead-lettered when its body is not a task', async () => {
    const { handle } = setUp(() => 1);
    expect(await handle({ key: '' })).toMatchObject({ kind: 'deadLetter', reason: 'INPUT_INVALID' });
  });

  it('sees in every attempt the input that was sent, whatever an attempt did to its own', async () => {
    const seen: Json[] = [];
    const { handle, published } = setUp((input: { messages: string[] }) => {
      seen.push(structuredClone(input));
      input.messages.push('added by the agent');
      throw new Error('429');
    });
    const input = { messages: ['hello'] };
    await handle({ input });
    const [retry] = published;
    await handle(retry?.body as Partial<TaskBody>);
    expect(seen).toEqual([{ messages: ['hello'] }, { messages: ['hello'] }]);
    expect(published.map(({ body }) => (body as unknown as TaskBody).input)).toEqual([input, input]);
  });

  it('is handed back at a shutdown with the input that was sent', async () => {
    const grace = new AbortController();
    const { handle, published } = setUp(
      (input: { messages: string[] }) => {
        input.messages.push('added by the agent');
        grace.abort();
        throw new Error('stopped');
      },
      { shutdown: grace.signal },
    );
    await handle({ input: { messages: ['hello'] } });
    expect(published).toMatchObject([{ body: { attempt: 1, input: { messages: ['hello'] } } }]);
  });

  it('is not begun when its lock was lost while its input was fetched', async () => {
    const lost = new AbortController();
    const begun: string[] = [];
    const { handle } = setUp(
      () => {
        begun.push('begun');
      },
      {
        results: {
          get: async () => {
            lost.abort();
            return undefined;
          },
          put: async () => {},
          list: async () => [],
        },
      },
    );
    await expect(handle({}, 0, lost.signal)).rejects.toThrow('the lock was lost');
    expect(begun).toEqual([]);
  });
});

describe('what nobody waits for any more', () => {
  const LIFE = 'abcdefgh';
  const task = { execution: `1.0~${LIFE}`, branch: 3 };
  const marks = {
    'its asking': executionMark('m/s', LIFE, '1.0'),
    'the life of its asker': lifeMark('m/s', LIFE),
    'somebody above its asker': lifeMark('m/parent', 'another1'),
  };
  const lineage = childLineage({ actor: 'm/parent', incarnation: 'another1' }, '7.0');
  const within = { [PROPERTY.lineage]: lineage };
  const cancelledBy = (mark: string): Cancellations => {
    const cancellations = memoryCancellations();
    void cancellations.cancel([mark], 20_000);
    return cancellations;
  };

  it.each(Object.entries(marks))('is not begun: with %s', async (_name, mark) => {
    let runs = 0;
    const { handle, host, published, stored } = setUp(() => ++runs, { cancellations: cancelledBy(mark) });
    expect(await handle(task, 0, undefined, within)).toEqual({ kind: 'complete' });
    expect([runs, published.length, stored.size]).toEqual([0, 0, 0]);
    expect(host.counters).toMatchObject({ started: 0, cancelled: 1, failed: 0 });
  });

  it('leaves nothing of its large input behind', async () => {
    const storage = memoryStorage();
    const payloads = memoryPayloads(storage);
    const { handle } = setUp(() => 1, { payloads, cancellations: cancelledBy(marks['its asking']) });
    const asked = {
      entity: 'agent.a',
      subject: 'task',
      messageId: 'm',
      replyTo: 'actor.m',
      replyToSessionId: 's',
    } as const;
    const claimed = await claimLarge({ ...asked, body: { input: 'x'.repeat(MAX_BODY_BYTES) } }, payloads);
    expect(storage.files.size).toBe(1);
    await handle({ ...task, ...(claimed.body as Partial<TaskBody>) }, 0, undefined, claimed.properties);
    expect(storage.files.size).toBe(0);
  });

  it('is done where a person has sent it again', async () => {
    const { handle, host } = setUp(() => 1, { cancellations: cancelledBy(marks['its asking']) });
    await handle(task, 0, undefined, { [PROPERTY.redriven]: 17 });
    expect(host.counters).toMatchObject({ started: 1, cancelled: 0 });
  });

  it('is not begun when that happened while its input was fetched', async () => {
    let [runs, looks] = [0, 0];
    const { handle, host } = setUp(() => ++runs, {
      cancellations: { ...memoryCancellations(), isCancelled: async () => looks++ > 0 },
    });
    expect(await handle(task)).toEqual({ kind: 'complete' });
    expect([runs, looks]).toEqual([0, 2]);
    expect(host.counters).toMatchObject({ started: 0, cancelled: 1 });
  });

  it.each([
    ['an agent that ends when it is told', 'rejects', { aborted: 1, late: 0, ranOn: 0 }],
    ['an agent that answers all the same', 'answers', { aborted: 1, late: 1, ranOn: 0 }],
    ['an agent that does not listen', 'hangs', { aborted: 1, late: 0, ranOn: 1 }],
  ])('is told while it runs: %s', async (_name, how, counted) => {
    const cancellations = memoryCancellations();
    let reason: unknown;
    let end = (_value: Json): void => {};
    const agent = (_: unknown, { signal }: AgentContext): Promise<Json> => {
      void cancellations.cancel([marks['the life of its asker']], 20_000);
      return new Promise((resolve, reject) => {
        end = resolve;
        signal.addEventListener('abort', () => {
          reason = signal.reason;
          if (how === 'rejects') reject(new Error('stopped'));
          if (how === 'answers') resolve('paid');
        });
      });
    };
    const lines: string[] = [];
    const logger = { ...silent, info: (line: string) => void lines.push(line) };
    const { handle, host, published, stored } = setUp(agent as IoAgent['run'], { cancellations, logger });
    expect(await handle(task)).toEqual({ kind: 'complete' });
    expect(reason).toMatchObject({ code: 'TASK_CANCELLED' });
    const kept = how === 'answers' ? '; its answer is kept' : '';
    expect(lines).toEqual([`nobody waits any more for what a was doing, and it was told${kept}`]);
    expect(published).toEqual([]);
    expect(host.counters).toMatchObject({ started: 1, retried: 0, failed: 0, cancelled: 0, ...counted });
    end('much later');
    await expect.poll(() => host.counters.late).toBe(how === 'rejects' ? 0 : 1);
    // What was paid for is kept under the task's key.
    await expect
      .poll(() => [...stored.values()])
      .toEqual(
        how === 'rejects' ? [] : [{ status: 'done', output: how === 'answers' ? 'paid' : 'much later' }],
      );
  });

  it.each([
    ['has failed', () => Promise.reject(new Error('429')), {}],
    ['is to be handed back', () => Promise.reject(new Error('stopping')), { shutdown: AbortSignal.abort() }],
  ])('is not sent again when it %s', async (_name, fail, more) => {
    const cancellations = memoryCancellations();
    const { handle, host, published } = setUp(
      async () => {
        // The process that asks does not tell this one: it finds out when it looks.
        await cancellations.cancel([marks['its asking']], 20_000);
        return fail();
      },
      { ...more, cancellations: { ...cancellations, watch: () => () => {} } },
    );
    expect(await handle(task)).toEqual({ kind: 'complete' });
    expect(published).toEqual([]);
    expect(host.counters).toMatchObject({ started: 1, cancelled: 1, retried: 0, failed: 0 });
  });
});

it('a retry of a task that a person has sent again differs from the retries before it', async () => {
  const { handle, published } = setUp(() => Promise.reject(new Error('429')));
  await handle();
  await handle({}, 0, undefined, { [PROPERTY.redriven]: 17 });
  await handle({}, 0, undefined, { [PROPERTY.redriven]: 18 });
  expect(new Set(published.map(({ messageId }) => messageId)).size).toBe(3);
  expect(published[1]?.properties).toMatchObject({ [PROPERTY.redriven]: 17, [PROPERTY.attempt]: 2 });
});

describe('a wait that was asked for', () => {
  const busy = () => {
    throw throttled({ retryAfterMs: 2_000, message: 'slow down' });
  };
  const propertiesOf = (message: WireMessage | undefined): InboundMessage['properties'] =>
    message?.properties ?? {};

  it('uses up no attempt, and says what for and until when', async () => {
    const lines: string[] = [];
    const logger = { ...silent, info: (text: string) => void lines.push(text) };
    const { handle, host, published } = setUp(busy, { logger, random: () => 0.5 });
    expect(await handle({ attempt: 3 })).toEqual({ kind: 'complete' });
    expect(published).toMatchObject([{ subject: 'task', notBefore: 12_500, body: { attempt: 3 } }]);
    expect(host.counters).toMatchObject({ started: 1, waited: 1, retried: 0, failed: 0 });
    expect(lines).toEqual([
      'attempt 3 of a waits (throttled, for the 1. time), again in 2500 ms, at 1970-01-01T00:00:12.500Z: slow down',
    ]);
  });

  it('is taken from an answer of fetch that was thrown as it is, and lets go of its connection', async () => {
    let cancelled = 0;
    const body = new ReadableStream({ cancel: () => void cancelled++ });
    const { handle, published } = setUp(
      () => {
        throw new Response(body, { status: 429, headers: { 'retry-after': '7' } }) as unknown as Error;
      },
      { random: () => 0 },
    );
    await handle();
    expect(published).toMatchObject([{ notBefore: 17_000, body: { attempt: 1 } }]);
    expect(cancelled).toBe(1);
  });

  it('survives the way from a thread', async () => {
    const error = toTaskError(throttled({ retryAfterMs: 2_000 }), { now: 0 });
    const pool: WorkerPool = {
      ...noPool,
      run: async () => ({ kind: 'outcome', threadId: 1, outcome: { status: 'error', error } }),
    };
    const config = { module: 'm', export: 'e' };
    const resolve = () => ({ kind: 'agent', config }) as const;
    const { handle, published } = setUp(busy, { pool, resolve, random: () => 0 });
    await handle();
    expect(published).toMatchObject([{ notBefore: 12_000, body: { attempt: 1 } }]);
  });

  it('has an id of its own each time, by whomever the task was put off, handed back or sent again', async () => {
    const { handle, published } = setUp(busy);
    await handle();
    for (let wait = 1; wait < 4; wait++) await handle({}, 0, undefined, propertiesOf(published.at(-1)));
    expect(published.map(({ properties }) => properties?.[PROPERTY.waits])).toEqual([1, 2, 3, 4]);
    const waited = propertiesOf(published.at(-1));
    await handle({}, 0, undefined, { ...waited, [PROPERTY.redriven]: 17 });
    expect(published.at(-1)?.properties).toMatchObject({ [PROPERTY.waits]: 5, [PROPERTY.redriven]: 17 });
    const failing = setUp(() => Promise.reject(new Error('no')));
    await failing.handle({}, 0, undefined, waited);
    expect(failing.published).toMatchObject([{ properties: { [PROPERTY.waits]: 4, [PROPERTY.attempt]: 2 } }]);
    const stopping = setUp(busy, { shutdown: AbortSignal.abort() });
    await stopping.handle({}, 0, undefined, waited);
    expect(stopping.published).toMatchObject([
      { properties: { [PROPERTY.waits]: 4, [PROPERTY.attempt]: 1 } },
    ]);
    const all = [...published, ...failing.published, ...stopping.published].map(({ messageId }) => messageId);
    expect(new Set([taskMessageId('key', 1), ...all]).size).toBe(all.length + 1);
    // An older host reads the body strictly: the number is not in it, and such a task has the id that it had.
    expect(published.every(({ body }) => !('waits' in (body as object)))).toBe(true);
    expect(taskMessageId('key', 2, { waits: 0 })).toBe(taskMessageId('key', 2));
  });

  it('repeats its id where a host died after it was sent', async () => {
    const { handle, published } = setUp(busy);
    await handle();
    await handle({}, 1);
    expect(published[1]?.messageId).toBe(published[0]?.messageId);
  });

  it.each([0, -1, 1.5, Number.NaN, '7', true])('is counted by hosts alone: not %j', async (waits) => {
    const { handle, published } = setUp(busy);
    await handle({}, 0, undefined, { [PROPERTY.waits]: waits });
    expect(published[0]?.properties).toMatchObject({ [PROPERTY.waits]: 1 });
  });

  it('fails at once where it would pass the deadline', async () => {
    const { handle, host } = setUp(busy);
    const outcome = await handle({ deadlineAt: 11_000 });
    expect(outcome.kind === 'deadLetter' && JSON.parse(outcome.description)).toMatchObject({
      code: 'RETRY_AFTER_DEADLINE',
      data: { attempts: 1, failure: { kind: 'throttled' } },
    });
    expect(host.counters).toMatchObject({ waited: 0, failed: 1 });
  });
});

describe('a retry over its budget', () => {
  const failing = () => Promise.reject(new Error('no'));
  const budgetOf = (policy: RetryBudget) => createRetryLedger(policy, 10_000);

  it('is put off, counted and said, and is not lost', async () => {
    const lines: string[] = [];
    const logger = { ...silent, info: (text: string) => void lines.push(text) };
    const budget = budgetOf({ share: 0, perSecond: 0.1 });
    const { handle, host, published } = setUp(failing, { logger, budget });
    for (const key of ['a', 'b', 'c']) expect(await handle({ key })).toEqual({ kind: 'complete' });
    expect(published.map(({ notBefore }) => notBefore)).toEqual([11_000, 21_000, 31_000]);
    expect(host.counters).toMatchObject({ retried: 3, putOff: 2, failed: 0 });
    expect(lines[1]).toBe(
      'attempt 1 of a failed, again in 11000 ms, 10000 of them since there are too many retries: no',
    );
  });

  it('is paid for by first attempts, not by retries, waits or what came again; and waits cost nothing', async () => {
    const budget = budgetOf({ share: 1, perSecond: 0.1 });
    const { handle, host, published } = setUp(failing, { budget });
    for (let n = 0; n < 5; n++) await handle({ key: `k${n}` });
    expect(host.counters.putOff).toBe(0);
    await handle({ key: 'k0', attempt: 2 });
    expect(published.at(-1)).toMatchObject({ notBefore: 22_000 });
    // Its host was gone: that is an attempt too, and so is the next.
    await handle({ key: 'k1' }, 1);
    expect(published.at(-1)).toMatchObject({ notBefore: 41_000 });
    expect(host.counters).toMatchObject({ retried: 7, putOff: 2 });
    const waiting = setUp(() => Promise.reject(throttled({ retryAfterMs: 10 })), { budget, random: () => 0 });
    await waiting.handle();
    expect(waiting.published).toMatchObject([{ notBefore: 10_010 }]);
    expect(published).toHaveLength(7);
  });
});

describe('a task of an exclusive agent', () => {
  const claimsOf = (process: string, store: TaskClaimStore) =>
    createTaskClaims({
      store,
      listen: () => process,
      lockDurationMs: 30_000,
      clock: { now: () => 10_000 },
      logger: silent,
    });

  it('that comes to another host while it runs is put off, and then answered from the store', async () => {
    const store = createTaskClaimFiles(memoryStorage(), 's');
    const { promise: answer, resolve } = Promise.withResolvers<Json>();
    const lock = new AbortController();
    const signals: AbortSignal[] = [];
    const first = setUp(
      (_: unknown, { signal }: AgentContext) => {
        signals.push(signal);
        return answer;
      },
      { claims: claimsOf('a', store) },
    );
    const calls: number[] = [];
    const second = setUp(() => calls.push(1), { claims: claimsOf('b', store), results: first.host.results });
    const running = first.handle({}, 0, lock.signal);
    await expect.poll(() => signals).toHaveLength(1);
    lock.abort();
    expect(await second.handle({}, 1)).toEqual({ kind: 'complete' });
    expect(second.published).toEqual([
      expect.objectContaining({
        entity: 'agent.a',
        notBefore: 15_000,
        properties: expect.objectContaining({ [PROPERTY.attempt]: 1, [PROPERTY.waits]: 1 }),
      }),
    ]);
    // It was not told to end: nobody else runs it.
    expect(signals[0]?.aborted).toBe(false);
    resolve('paid once');
    await running;
    expect(first.published).toEqual([expect.objectContaining({ subject: 'reply' })]);
    await second.handle({}, 0, undefined, { [PROPERTY.waits]: 1 });
    expect(second.published.at(-1)).toMatchObject({
      subject: 'reply',
      body: { outcome: { output: 'paid once' } },
    });
    expect(calls).toEqual([]);
    expect(second.host.counters).toMatchObject({ elsewhere: 1, started: 0, answeredFromStore: 1 });
  });

  it('is free for others when it was answered, failed, or was not begun', async () => {
    const store = createTaskClaimFiles(memoryStorage(), 's');
    for (const run of [() => 1, () => Promise.reject(new Error('no'))] as IoAgent['run'][]) {
      const { handle } = setUp(run, { claims: claimsOf('a', store) });
      await handle();
      expect(await store.processesOf('-')).toEqual([]);
    }
    const cancellations = memoryCancellations();
    const isCancelled = vi
      .fn((marks: readonly string[]) => cancellations.isCancelled(marks))
      .mockResolvedValueOnce(false)
      .mockResolvedValueOnce(true);
    const { handle, host } = setUp(() => 1, {
      claims: claimsOf('a', store),
      cancellations: { ...cancellations, isCancelled },
    });
    await handle();
    expect(host.counters).toMatchObject({ cancelled: 1, started: 0 });
    expect(await store.processesOf('-')).toEqual([]);
  });
});

describe('a task of an agent that is paused', () => {
  const heldFrom = (nth: number) => {
    let looks = 0;
    return { heard: () => undefined, holds: () => ++looks >= nth };
  };

  it.each([
    { when: 'before it was looked at', from: 1 },
    { when: 'while it waited for its limit or its claim', from: 2 },
  ])('$when is not begun, and comes again later with the same attempt', async ({ from }) => {
    let runs = 0;
    const { host, handle, published } = setUp(() => ++runs, { orders: heldFrom(from) });
    expect(await handle()).toEqual({ kind: 'complete' });
    expect([runs, host.counters.paused, host.counters.retried]).toEqual([0, 1, 0]);
    expect(published).toEqual([
      expect.objectContaining({
        entity: 'agent.a',
        body: expect.objectContaining({ attempt: 1, key: 'key' }),
        notBefore: 11_000,
      }),
    ]);
  });

  it('waits longer each time, a minute and its spread at most, and never behind its deadline', async () => {
    const { handle, published } = setUp(() => 1, { orders: heldFrom(1) });
    const again = (putOffs: number, deadlineAt: number) =>
      handle({ deadlineAt }, 0, undefined, { [PROPERTY.waits]: putOffs, [PROPERTY.putOffs]: putOffs });
    await again(2, 1_000_000);
    await again(30, 1_000_000);
    await again(30, 30_000);
    expect(published.map(({ notBefore }) => notBefore)).toEqual([14_000, 75_000, 29_999]);
  });

  it('is answered where it was done before, and dropped where nobody waits', async () => {
    const { host, handle, stored, published } = setUp(() => 1, { orders: heldFrom(1) });
    stored.set('key', { status: 'done', output: 4 });
    await handle();
    expect([published.length, host.counters.answeredFromStore, host.counters.paused]).toEqual([1, 1, 0]);
    await handle({ key: 'other', deadlineAt: 9_000 });
    expect(host.counters.paused).toBe(0);
  });

  it('begins once the first word says that nobody has paused it', async () => {
    let isHeard = false;
    const heard = async (): Promise<void> => {
      await Promise.resolve();
      isHeard = true;
    };
    const { handle, host } = setUp(() => 1, { orders: { heard, holds: () => !isHeard } });
    await handle();
    expect([host.counters.started, host.counters.paused]).toEqual([1, 0]);
  });
});

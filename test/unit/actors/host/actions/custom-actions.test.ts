import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type ActionEntry,
  type ActionScope,
  Actions,
} from '../../../../../src/actors/host/actions/custom-actions.ts';
import type { WorkerPool } from '../../../../../src/contract/ports.ts';
import type { WorkerResponse } from '../../../../../src/contract/worker.ts';
import { memoryPayloads } from '../../../../kit/memory-storage.ts';

const NOW = 1_000_000;
const TURN_TIMEOUT_MS = 10_000;
const DONE: WorkerResponse = { kind: 'outcome', outcome: { status: 'done', output: null }, threadId: 1 };
const died: WorkerResponse = { kind: 'failed', error: { code: 'WORKER_DIED', message: 'exit' } };
const ABORTED: WorkerResponse = { kind: 'failed', error: { code: 'ABORTED', message: 'withdrawn' } };

/** Threads that take a request at once, as many as there are, and end it when told. */
function setUp(threads = 8) {
  const begun: string[] = [];
  const said: string[] = [];
  const cancelled: (readonly number[])[] = [];
  const ends = new Map<string, (response: WorkerResponse) => void>();
  let free = threads;
  const pool = {
    run: (request, { signal, onBegin } = {}) =>
      new Promise((resolve) => {
        if (request.kind !== 'action') throw new Error('not in this test');
        signal?.addEventListener('abort', () => resolve(ABORTED), { once: true });
        if (free === 0) return;
        free -= 1;
        begun.push(request.name);
        onBegin?.();
        ends.set(request.name, (response) => {
          free += 1;
          resolve(response);
        });
      }),
  } as Pick<WorkerPool, 'run'> as WorkerPool;
  const payloads = memoryPayloads();
  const actions = new Actions({
    pool,
    payloads,
    bridge: {
      cancelScheduled: async (_entity, numbers) => {
        cancelled.push(numbers);
        return [];
      },
    },
    clock: { now: () => NOW },
    logger: { debug() {}, info() {}, warn() {}, error: (text) => void said.push(text) },
    turnTimeoutMs: TURN_TIMEOUT_MS,
  });
  const end = async (name: string, response = DONE): Promise<void> => {
    ends.get(name)?.(response);
    await vi.advanceTimersByTimeAsync(0);
  };
  return { actions, begun, said, cancelled, end, payloads };
}

const entry = (name: string): ActionEntry => ({
  kind: 'action',
  name,
  params: { to: 'ops' },
  event: { type: 'go' },
  key: `key of ${name}`,
});

const scope = (more: Partial<ActionScope> = {}): ActionScope => ({
  actor: { type: 'order', id: '1' },
  machine: { type: 'order', module: 'm', export: 'e', version: '3', path: [] },
  incarnation: 'i',
  turn: 4,
  context: { n: 1 },
  life: 'test/order/1/life/i',
  unfinished: 0,
  ...more,
});

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('the actions of an outbox', () => {
  it('are begun one after the other, each once the one before is over', async () => {
    const { actions, begun, end } = setUp();
    const handed = actions.begin([entry('a'), entry('b')], scope());
    await vi.advanceTimersByTimeAsync(100);
    expect(begun).toEqual(['a']);
    await end('a');
    expect(begun).toEqual(['a', 'b']);
    await end('b');
    expect(await handed).toEqual([]);
    expect(actions.running).toBe(0);
  });

  it('are not waited for longer than 250 ms, and all are begun before anything else leaves', async () => {
    const { actions, begun } = setUp();
    let handed: unknown;
    void actions.begin([entry('slow'), entry('b'), entry('c')], scope()).then((those) => (handed = those));
    await vi.advanceTimersByTimeAsync(249);
    expect(begun).toEqual(['slow']);
    await vi.advanceTimersByTimeAsync(2);
    expect(begun).toEqual(['slow', 'b', 'c']);
    expect(handed).toHaveLength(3);
  });

  it('leave a copy of what still runs, with the committed context, for the time at which it must be over', async () => {
    const { actions, cancelled, end } = setUp();
    const handing = actions.begin([entry('slow')], scope());
    await vi.advanceTimersByTimeAsync(252);
    const [handover] = await handing;
    expect(handover?.message).toMatchObject({
      entity: 'action.order',
      subject: 'action',
      replyTo: 'actor.order',
      replyToSessionId: '1',
      body: { name: 'slow', params: { to: 'ops' }, context: { n: 1 }, version: '3', attempt: 2 },
    });
    expect(handover?.message.notBefore).toBeGreaterThan(NOW + TURN_TIMEOUT_MS);
    handover?.published({ sequenceNumber: 17 });
    expect(cancelled).toEqual([]);
    await end('slow');
    expect(cancelled).toEqual([[17]]);
  });

  it('keep the copy of one that takes its thread down meanwhile', async () => {
    const { actions, cancelled, end } = setUp();
    const handing = actions.begin([entry('slow')], scope());
    await vi.advanceTimersByTimeAsync(252);
    const [handover] = await handing;
    handover?.published({ sequenceNumber: 17 });
    await end('slow', died);
    expect(cancelled).toEqual([]);
  });

  it('hand over at once, as the next attempt, what took its thread down', async () => {
    const { actions, end } = setUp();
    const handing = actions.begin([entry('a')], scope());
    await end('a', died);
    const [handover] = await handing;
    expect(handover?.message).not.toHaveProperty('notBefore');
    expect(handover?.message.body).toMatchObject({ attempt: 2 });
  });

  it('hand over, not begun, what finds no thread', async () => {
    const { actions, begun } = setUp(1);
    const handing = actions.begin([entry('slow'), entry('b'), entry('c')], scope());
    await vi.advanceTimersByTimeAsync(301);
    const handed = await handing;
    expect(begun).toEqual(['slow']);
    expect(handed.map(({ message }) => message.body)).toMatchObject([
      { name: 'slow', attempt: 2 },
      { name: 'b', attempt: 1 },
      { name: 'c', attempt: 1 },
    ]);
    expect(handed.map(({ message }) => message.notBefore === undefined)).toEqual([false, true, true]);
    expect(actions.running).toBe(1);
  });

  it('say a failure, and are over with it', async () => {
    const { actions, said, end } = setUp();
    const handing = actions.begin([entry('a')], scope());
    await end('a', {
      kind: 'outcome',
      outcome: { status: 'error', error: { code: 'MAIL', message: 'no such address' } },
      threadId: 1,
    });
    expect(await handing).toEqual([]);
    expect(said).toEqual(['action a failed: no such address']);
  });

  it('are not begun again here when their outbox is carried out again', async () => {
    const { actions, begun, end } = setUp();
    const handing = actions.begin([entry('a'), entry('slow')], scope());
    await end('a');
    await vi.advanceTimersByTimeAsync(252);
    const [first] = await handing;
    // Its copy was not accepted: it is still to be handed over.
    const handingAgain = actions.begin([entry('a'), entry('slow')], scope());
    await vi.advanceTimersByTimeAsync(252);
    const [second] = await handingAgain;
    expect(second?.message.messageId).toBe(first?.message.messageId);
    second?.published({ sequenceNumber: 1 });
    expect(await actions.begin([entry('a'), entry('slow')], scope())).toEqual([]);
    expect(begun).toEqual(['a', 'slow']);
  });

  it('are begun under a session lock no third time: their host may have gone because of them', async () => {
    const { actions, begun } = setUp();
    const handed = await actions.begin([entry('a')], scope({ unfinished: 2 }));
    expect(begun).toEqual([]);
    expect(handed.map(({ message }) => message.body)).toMatchObject([{ attempt: 3 }]);
  });

  it('put a large context away, and its copy with it', async () => {
    const { actions, end, payloads } = setUp();
    const handing = actions.begin([entry('slow')], scope({ context: { text: 'x'.repeat(400_000) } }));
    await vi.advanceTimersByTimeAsync(252);
    const [handover] = await handing;
    const body = handover?.message.body as { context: { $payload: string; bytes: number } } | undefined;
    const context = body?.context ?? { $payload: '', bytes: 0 };
    expect(context).toMatchObject({ bytes: 400_011 });
    handover?.published({ sequenceNumber: 17 });
    await end('slow');
    await expect(payloads.get(context)).rejects.toMatchObject({ code: 'PAYLOAD_NOT_FOUND' });
  });

  it('are waited for at a shutdown, until its grace is over', async () => {
    const { actions, end } = setUp();
    void actions.begin([entry('slow')], scope());
    await vi.advanceTimersByTimeAsync(252);
    const grace = new AbortController();
    const waits: string[] = [];
    void actions.idle(new AbortController().signal).then(() => waits.push('over'));
    void actions.idle(grace.signal).then(() => waits.push('grace'));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(waits).toEqual([]);
    grace.abort();
    await vi.advanceTimersByTimeAsync(0);
    expect(waits).toEqual(['grace']);
    await end('slow');
    expect(waits).toEqual(['grace', 'over']);
  });
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createWorkerPool } from '../../../../src/actors/pool/pool.ts';
import { QuorateError } from '../../../../src/contract/errors.ts';
import type { WorkerPool } from '../../../../src/contract/ports.ts';
import type { WorkerRequest } from '../../../../src/contract/worker.ts';
import { event, moduleOf, refOf, runTurn, turnRequest } from '../worker/harness.ts';

function pool(options: Partial<Parameters<typeof createWorkerPool>[0]> = {}): WorkerPool {
  const created = createWorkerPool({ threads: 1, turnTimeoutMs: 10_000, ...options });
  onTestFinished(() => created.close());
  return created;
}

function agent(name: string, input: { ms?: number; n?: number } = {}): WorkerRequest {
  return {
    kind: 'agent',
    module: moduleOf('logics'),
    export: name,
    input,
    key: 'k',
    attempt: 1,
    deadlineAt: 0,
  };
}

const counter = refOf('counter', 'counter');

describe('an agent in a thread', () => {
  const toldBy = async (name: string, graceMs: number, timeoutMs?: number) => {
    const workers = pool({ graceMs });
    const { threadId } = await runTurn(workers, counter);
    const used: unknown[] = [];
    const withdrawal = new AbortController();
    const onUsage = (usage: unknown): void => {
      used.push(usage);
      if (timeoutMs === undefined) withdrawal.abort(new QuorateError('TASK_CANCELLED', 'nobody waits'));
    };
    const limits = timeoutMs === undefined ? {} : { timeoutMs };
    const response = await workers.run(agent(name), { signal: withdrawal.signal, onUsage, ...limits });
    const hasLostThread = (await runTurn(workers, counter)).threadId !== threadId;
    return { response, used, hasLostThread };
  };

  it('is told why, says what it has used up to its end, and keeps its thread', async () => {
    const { response, used, hasLostThread } = await toldBy('obedient', 60_000);
    expect(response).toMatchObject({ outcome: { output: { why: 'TASK_CANCELLED', deadlineAt: 0 } } });
    expect(used).toEqual([{ inputTokens: 7 }, null, { inputTokens: 1, outputTokens: 2 }]);
    expect(hasLostThread).toBe(false);
  });

  it('is told when its time is over, and is too late then whatever it says', async () => {
    const { response, used, hasLostThread } = await toldBy('obedient', 60_000, 50);
    expect(response).toMatchObject({ kind: 'failed', error: { code: 'AGENT_TIMEOUT' } });
    expect(used).toHaveLength(3);
    expect(hasLostThread).toBe(false);
  });

  it('loses its thread where it does not end, and what it has used is known', async () => {
    const { response, used, hasLostThread } = await toldBy('deaf', 50);
    expect(response).toMatchObject({ kind: 'failed', error: { code: 'ABORTED' } });
    expect(used).toEqual([{ inputTokens: 3 }]);
    expect(hasLostThread).toBe(true);
  });
});

describe('a worker pool', () => {
  it('runs more requests than it has threads, and counts those that wait', async () => {
    const workers = pool();
    const running = Array.from({ length: 50 }, () => runTurn(workers, counter));
    expect(workers.waiting).toBe(50);
    expect(workers.waitingTurns).toBe(50);
    const results = await Promise.all(running);
    for (const { state } of results) expect(state).toMatchObject({ status: 'active' });
    expect(workers.waiting).toBe(0);
  });

  it('runs requests side by side', async () => {
    const workers = pool({ threads: 3 });
    const both = await Promise.all([1, 2].map((n) => workers.run(agent('meet', { n }))));
    expect(both).toMatchObject([{ outcome: { output: 1 } }, { outcome: { output: 2 } }]);
  });

  it('ends a turn that runs too long, and goes on with a new thread', async () => {
    const workers = pool({ turnTimeoutMs: 1_500 });
    const endless = refOf('logics', 'endless');
    const { state, threadId } = await runTurn(workers, endless);
    const stuck = workers.run(turnRequest(endless, { state, inputs: [event('spin')] }));
    const next = runTurn(workers, counter);
    expect(await stuck).toMatchObject({ kind: 'failed', error: { code: 'TURN_TIMEOUT' } });
    expect((await next).threadId).not.toBe(threadId);
  });

  it('does not blame the neighbours of a turn that takes its thread down', async () => {
    const workers = pool({ turnTimeoutMs: 1_500 });
    const endless = refOf('logics', 'endless');
    const { state } = await runTurn(workers, endless);
    // All three go to the only thread in one message.
    const before = runTurn(workers, counter);
    const stuck = workers.run(turnRequest(endless, { state, inputs: [event('spin')] }));
    const after = runTurn(workers, counter);
    expect(await stuck).toMatchObject({ kind: 'failed', error: { code: 'TURN_TIMEOUT' } });
    expect((await before).state).toMatchObject({ status: 'active' });
    expect((await after).state).toMatchObject({ status: 'active' });
  });

  it('counts running, not waiting: what queues behind others is not too long', async () => {
    const workers = pool();
    const slow = [1, 2, 3, 4].map(() => workers.run(agent('sleepFor', { ms: 400 }), { timeoutMs: 1_500 }));
    for (const response of await Promise.all(slow)) expect(response).toMatchObject({ kind: 'outcome' });
  });

  it.each([
    [
      'an agent',
      (module: string): WorkerRequest => ({ ...agent('run'), module }) as WorkerRequest,
      'outcome',
    ],
    [
      'a machine',
      (module: string): WorkerRequest => ({
        kind: 'describe',
        machine: { type: 'm', module, export: 'machine', version: '1', path: [] },
      }),
      'described',
    ],
  ])('imports the module of %s afresh that could not be imported once', async (_, request, kind) => {
    const folder = await mkdtemp(join(tmpdir(), 'quorate-import-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const xstate = import.meta.resolve('xstate');
    await writeFile(join(folder, 'part.mjs'), `throw new Error('not today');`);
    await writeFile(
      join(folder, 'module.mjs'),
      `import './part.mjs';
       import { createMachine } from ${JSON.stringify(xstate)};
       export const run = () => 1;
       export const machine = createMachine({ initial: 'a', states: { a: {} } });`,
    );
    const workers = pool();
    const run = () => workers.run(request(pathToFileURL(join(folder, 'module.mjs')).href));
    expect(await run()).toMatchObject({ kind: 'failed', error: { code: 'MODULE_NOT_LOADED' } });
    await writeFile(join(folder, 'part.mjs'), '');
    // The first thread is replaced once it is no longer young.
    await expect.poll(async () => (await run()).kind).toBe(kind);
  });

  it.each([
    ['exits', 'exit', /code: 7/],
    ['runs out of memory', 'hoard', /memory/],
  ])('answers with a code when the thread %s', async (_name, name, message) => {
    const workers = pool();
    expect(await workers.run(agent(name))).toEqual({
      kind: 'failed',
      error: { code: 'WORKER_DIED', message: expect.stringMatching(message) },
    });
    expect(await workers.run(agent('square', { n: 2 }))).toMatchObject({ kind: 'outcome' });
  });

  it('ends an agent that runs too long, or is withdrawn', async () => {
    const workers = pool();
    expect(await workers.run(agent('spin'), { timeoutMs: 300 })).toMatchObject({
      error: { code: 'AGENT_TIMEOUT' },
    });
    const withdrawal = new AbortController();
    const running = workers.run(agent('spin'), { signal: withdrawal.signal });
    const waiting = workers.run(agent('spin'), { signal: withdrawal.signal });
    await runTurnIsQueued(workers);
    withdrawal.abort();
    expect(await running).toMatchObject({ kind: 'failed', error: { code: 'ABORTED' } });
    expect(await waiting).toMatchObject({ kind: 'failed', error: { code: 'ABORTED' } });
    expect(await workers.run(agent('square', { n: 2 }))).toMatchObject({ kind: 'outcome' });
  });

  it('keeps a thread for turns while agents run', async () => {
    const workers = pool({ threads: 2 });
    await runTurn(workers, counter);
    const withdrawal = new AbortController();
    const agents = [1, 2, 3].map(() => workers.run(agent('spin'), { signal: withdrawal.signal }));
    expect((await runTurn(workers, counter)).state).toMatchObject({ status: 'active' });
    expect(workers.waiting).toBe(2);
    // What no session lock waits for does not count as saturation.
    expect(workers.waitingTurns).toBe(0);
    withdrawal.abort();
    expect(workers.waiting).toBe(0);
    await Promise.all(agents);
  });

  it('after the death of all its threads gives nothing to one that is still starting', async () => {
    const entry = new URL('../../../fixtures/machines/slow-entry.ts', import.meta.url);
    const workers = pool({ threads: 2, entry });
    onTestFinished(() => void delete process.env['QUORATE_TEST_SLOW_START']);
    // The first that is replaced starts late, the second at once.
    for (const late of ['1', '0']) {
      process.env['QUORATE_TEST_SLOW_START'] = late;
      expect(await workers.run(agent('exit'))).toMatchObject({ error: { code: 'WORKER_DIED' } });
    }
    // Its time would run out there, and the thread, ended before it was ready, would never be replaced.
    const next = await workers.run(agent('square', { n: 2 }), { timeoutMs: 2_000 });
    expect(next).toMatchObject({ kind: 'outcome' });
  });

  it('with a bad entry answers every request, and never hangs', async () => {
    const workers = pool({ threads: 2, entry: new URL('file:///nowhere/entry.ts') });
    const responses = await Promise.all([1, 2, 3].map(() => workers.run(turnRequest(counter))));
    responses.push(await workers.run(turnRequest(counter)));
    for (const response of responses)
      expect(response).toMatchObject({ kind: 'failed', error: { code: 'MODULE_NOT_LOADED' } });
  });

  it('replaces its threads: what runs finishes, modules are loaded anew', async () => {
    const workers = pool();
    const before = await runTurn(workers, counter);
    const running = workers.run(agent('sleepFor', { ms: 200 }));
    const replaced = workers.replace();
    const after = await runTurn(workers, counter);
    expect(after.threadId).not.toBe(before.threadId);
    expect(await running).toMatchObject({ outcome: { output: 'slept' }, threadId: before.threadId });
    await replaced;
  });

  it('answers what still waits when it is closed', async () => {
    const workers = createWorkerPool({ threads: 1, turnTimeoutMs: 10_000 });
    await runTurn(workers, counter);
    const running = workers.run(agent('sleepFor', { ms: 100 }));
    const waiting = workers.run(turnRequest(counter));
    await workers.close();
    expect(await running).toMatchObject({ kind: 'outcome' });
    expect(await waiting).toMatchObject({ kind: 'failed', error: { code: 'ABORTED' } });
    expect(await workers.run(turnRequest(counter))).toMatchObject({
      kind: 'failed',
      error: { code: 'ABORTED' },
    });
  });
});

/** Once a request waits behind it, the one before has been given to the thread. */
async function runTurnIsQueued(workers: WorkerPool): Promise<void> {
  while (workers.waiting !== 1) await new Promise(setImmediate);
}

// Actors, agents and clients through the real client and a real socket.
import { ServiceBusClient } from '@azure/service-bus';
import { readBrokerRecord } from 'quorate-broker';
import { describe, expect, it, onTestFinished } from 'vitest';
import { PROPERTY, WIRE_FORMAT } from '../../../src/contract/wire.ts';
import { app, startRuntime } from '../../kit/runtime.ts';

describe('an actor', () => {
  it('is started once, takes events in order, answers queries and ends with its output', async () => {
    await using test = await startRuntime({ machines: { counter: app('counter.machine.ts', 'counter') } });
    const { client } = test.runtime;
    expect(await client.start('counter', { id: 'c1', input: { from: 1 } as never })).toMatchObject({
      answer: 'started',
    });
    expect(await client.start('counter', { id: 'c1', input: { from: 9 } as never })).toMatchObject({
      answer: 'exists',
    });
    for (let by = 1; by <= 20; by++) await client.send('counter', 'c1', { type: 'add', by });
    await expect
      .poll(async () => (await client.query('counter', 'c1')).context)
      .toMatchObject({ count: 211 });
    expect(await client.query('counter', 'c1')).toMatchObject({
      status: 'active',
      value: 'counting',
      tags: ['working'],
    });
    const result = client.result('counter', 'c1');
    await client.send('counter', 'c1', { type: 'finish' });
    const output = (await result) as { count: number; guardThread: number; assignThread: number };
    expect(output.count).toBe(211);
    // The main thread is 0: no guard and no assign ran there.
    expect(output.guardThread).toBeGreaterThan(0);
    expect(output.assignThread).toBeGreaterThan(0);
    expect(await client.result('counter', 'c1')).toEqual(output);
  });

  it('is run to its end in one call, also when it was started before', async () => {
    await using test = await startRuntime({
      machines: { asker: app('asker.machine.ts', 'asker') },
      agents: { oracle: { run: (question: string) => `${question.length}!` } },
    });
    const { client } = test.runtime;
    expect(await client.run('asker', { id: 'a', input: { question: 'why' } as never })).toEqual({
      answer: '3!',
    });
    expect(await client.run('asker', { id: 'a', input: { question: 'why' } as never })).toEqual({
      answer: '3!',
    });
    const other = { id: 'a', input: { question: 'what' } as never };
    await expect(client.run('asker', other)).rejects.toMatchObject({ code: 'START_CONFLICT' });
    expect(await client.start('asker', other)).toMatchObject({ answer: 'exists' });
    // Its input goes through the payload store, and the wait arrives before it.
    const question = 'x'.repeat(300_000);
    expect(await client.run('asker', { id: 'b', input: { question } as never })).toEqual({
      answer: '300000!',
    });
  });

  it('that refuses its input says so to who runs it, not that there is none', async () => {
    await using test = await startRuntime({
      machines: { all: app('gathering.machine.ts', 'gatherAll') },
      agents: { oracle: { run: () => null } },
    });
    await expect(
      test.runtime.client.run('all', { id: 'g', input: { items: 'none' } as never }),
    ).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  });

  it('that is unknown makes no state: queries and waits get ACTOR_NOT_FOUND, events vanish (I13)', async () => {
    await using test = await startRuntime({ machines: { counter: app('counter.machine.ts', 'counter') } });
    const { client, counters } = test.runtime;
    await expect(client.query('counter', 'nobody')).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
    await expect(client.result('counter', 'nobody')).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
    await client.send('counter', 'nobody', { type: 'add', by: 1 });
    await expect(client.query('counter', 'nobody')).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
    expect(counters().actors.commits).toBe(0);
  });

  it('goes on after an event that makes its machine throw; the event waits in remediation (I7)', async () => {
    await using test = await startRuntime({ machines: { counter: app('counter.machine.ts', 'counter') } });
    const { client, counters } = test.runtime;
    await client.start('counter', { id: 'c1' });
    await client.send('counter', 'c1', { type: 'add', by: 1 });
    await client.send('counter', 'c1', { type: 'boom' });
    await client.send('counter', 'c1', { type: 'add', by: 2 });
    await expect.poll(async () => (await client.query('counter', 'c1')).context).toMatchObject({ count: 3 });
    await expect.poll(() => counters().deadLetters).toBe(1);
  });

  it('refuses events in XState’s own namespace from outside', async () => {
    await using test = await startRuntime({ machines: { waiter: app('waiter.machine.ts', 'waiter') } });
    const { client, counters } = test.runtime;
    await client.start('waiter', { id: 'w', input: { ms: 60_000 } as never });
    const event = { type: 'xstate.after.patience.waiter.waiting' };
    await expect(client.send('waiter', 'w', event)).rejects.toMatchObject({ code: 'INPUT_INVALID' });
    // Of a sender that is not Quorate's client.
    const other = new ServiceBusClient(readBrokerRecord(test.data)?.connectionString ?? '');
    onTestFinished(() => other.close());
    await other.createSender('actor.waiter').sendMessages({
      sessionId: 'w',
      subject: 'event',
      messageId: 'reserved',
      applicationProperties: { [PROPERTY.format]: WIRE_FORMAT },
      body: { kind: 'event', event },
    });
    await expect.poll(() => counters().deadLetters).toBe(1);
    expect((await client.deadLetters.list()).items).toMatchObject([{ code: 'EVENT_RESERVED' }]);
    expect(await client.query('waiter', 'w')).toMatchObject({ status: 'active' });
  });

  it('wakes by its own timer', async () => {
    await using test = await startRuntime({ machines: { waiter: app('waiter.machine.ts', 'waiter') } });
    const { client } = test.runtime;
    await client.start('waiter', { id: 'w', input: { ms: 150 } as never });
    await client.result('waiter', 'w', { timeoutMs: 10_000 });
    expect(await client.query('waiter', 'w')).toMatchObject({ status: 'done', value: 'over' });
  });

  it('is forgotten after the retention time, and can then be started anew', async () => {
    await using test = await startRuntime({
      machines: { waiter: app('waiter.machine.ts', 'waiter') },
      retentionMs: 200,
    });
    const { client } = test.runtime;
    await client.start('waiter', { id: 'w', input: { ms: 10 } as never });
    await client.result('waiter', 'w');
    await expect
      .poll(() => client.query('waiter', 'w').catch((error: { code: string }) => error.code), {
        timeout: 10_000,
      })
      .toBe('ACTOR_NOT_FOUND');
    expect(await client.start('waiter', { id: 'w', input: { ms: 10 } as never })).toMatchObject({
      answer: 'started',
    });
  });
});

describe('an agent', () => {
  it('gets the task with its key and answers into the asking actor', async () => {
    const keys: string[] = [];
    await using test = await startRuntime({
      machines: { asker: app('asker.machine.ts', 'asker') },
      agents: {
        oracle: {
          run: (question: string, { key }) => {
            keys.push(key);
            return `${question}!`;
          },
        },
      },
    });
    const { client } = test.runtime;
    await client.start('asker', { id: 'a', input: { question: 'why' } as never });
    expect(await client.result('asker', 'a')).toEqual({ answer: 'why!' });
    expect(keys).toHaveLength(1);
  });

  it('is tried again after a failure, under the same key, and its own error reaches the machine in the end', async () => {
    const attempts: [string, number][] = [];
    await using test = await startRuntime({
      machines: { asker: app('asker.machine.ts', 'asker') },
      agents: {
        oracle: {
          retry: { attempts: 3, backoffMs: 20 },
          run: (question: string, { key, attempt }) => {
            attempts.push([key, attempt]);
            if (question === 'never' || attempt < 3)
              throw Object.assign(new Error('no'), { code: 'ORACLE_ASLEEP' });
            return 'at last';
          },
        },
      },
    });
    const { client } = test.runtime;
    await client.start('asker', { id: 'a', input: { question: 'maybe' } as never });
    expect(await client.result('asker', 'a')).toEqual({ answer: 'at last' });
    expect(attempts.map(([, attempt]) => attempt)).toEqual([1, 2, 3]);
    expect(new Set(attempts.map(([key]) => key)).size).toBe(1);
    await client.start('asker', { id: 'b', input: { question: 'never' } as never });
    expect(await client.result('asker', 'b')).toEqual({ problem: 'ORACLE_ASLEEP' });
  });
});

describe('a scatter', () => {
  it('gathers every branch exactly once', async () => {
    await using test = await startRuntime({
      machines: { all: app('gathering.machine.ts', 'gatherAll') },
      agents: {
        oracle: { concurrency: 16, run: ({ item }: { item: number }) => ({ counts: { sum: item } }) },
      },
    });
    const { client, counters } = test.runtime;
    const items = Array.from({ length: 500 }, (_, at) => at);
    await client.start('all', { id: 'g', input: { items } as never });
    const output = await client.result('all', 'g');
    expect(output).toMatchObject({
      total: 500,
      ok: 500,
      failed: 0,
      missing: 0,
      counts: { sum: (499 * 500) / 2 },
    });
    expect(counters().agents['oracle']).toMatchObject({ started: 500, answeredFromStore: 0 });
  });

  it('takes the first answer that its module calls valid, and says how far it is; in its error it has them all', async () => {
    const gate = Promise.withResolvers<void>();
    await using test = await startRuntime({
      machines: { right: app('gathering.machine.ts', 'gatherRight') },
      agents: {
        oracle: {
          retry: { attempts: 1 },
          run: async ({ item }: { item: string }) => {
            if (item === 'fails') throw Object.assign(new Error('too fast'), { status: 400 });
            if (item === 'right') await gate.promise;
            return { right: item === 'right', text: item.padEnd(20_000, '.') };
          },
        },
      },
    });
    const { client } = test.runtime;
    const run = client.run('right', {
      id: 'r',
      input: { items: ['fails', 'wrong', 'right', 'right'] } as never,
    });
    for await (const { gathers } of client.watch('right', 'r', { progress: true })) {
      const [gather] = gathers ?? [];
      if (gather?.answered === 2) {
        expect(gather).toMatchObject({ good: 0, failed: 1, invalid: 1, open: 2, slowest: { branch: 2 } });
        gate.resolve();
      }
    }
    expect(await run).toMatchObject({
      outcome: 'quorum',
      ok: 1,
      failed: 1,
      invalid: 1,
      values: [{ value: { right: true } }],
    });
    const wrong = client.run('right', {
      id: 'w',
      input: { items: ['wrong', 'wrong', 'fails', 'wrong'] } as never,
    });
    expect(await wrong).toMatchObject({
      status: 'failed',
      error: {
        code: 'GATHER_FAILED',
        data: {
          invalid: 3,
          answers: [{ branch: 0, valid: false, value: { $payload: expect.any(String) } }, {}, {}],
        },
      },
    });
    await expect(
      startRuntime({
        machines: { wrong: app('gathering.machine.ts', 'gatherWrong') },
        agents: { oracle: { run: () => null } },
      }),
    ).rejects.toMatchObject({ code: 'MODULE_NOT_LOADED', message: expect.stringContaining("'isWrong'") });
  });

  it('has enough at its quorum; what comes later is dropped (I9)', async () => {
    await using test = await startRuntime({
      machines: { two: app('gathering.machine.ts', 'gatherTwo') },
      agents: { oracle: { run: ({ item }: { item: number }) => item } },
    });
    const { client } = test.runtime;
    await client.start('two', { id: 'g', input: { items: [1, 2, 3, 4] } as never });
    const output = (await client.result('two', 'g')) as {
      outcome: string;
      ok: number;
      values: { value: number }[];
    };
    expect(output).toMatchObject({ outcome: 'quorum', ok: 2 });
    expect(output.values).toHaveLength(2);
    await expect.poll(async () => (await client.query('two', 'g')).status).toBe('done');
  });
});

// Dead letters as people handle them, through the real client and a real socket.

import { describe, expect, it } from 'vitest';
import type { AgentContext } from '../../../src/contract/config.ts';
import type { DeadLetters, Remedied } from '../../../src/contract/dead-letters.ts';
import type { Foresight } from '../../../src/contract/foresight.ts';
import { app, startRuntime } from '../../kit/runtime.ts';

const machines = { counter: app('counter.machine.ts', 'counter') };

async function all(remedied: AsyncIterable<Remedied>): Promise<string[]> {
  const outcomes: string[] = [];
  for await (const { outcome } of remedied) outcomes.push(outcome);
  return outcomes;
}

const numbers = async (letters: DeadLetters): Promise<number[]> =>
  (await letters.list()).items.map(({ number }) => number);

/** Set aside by the host: only then can they be taken by number. */
async function untilTaken(remedy: () => AsyncIterable<Remedied>, outcome: string): Promise<void> {
  await expect.poll(() => all(remedy())).toEqual([outcome]);
}

describe('dead letters', () => {
  it('are listed page by page, by code and by actor, and shown with their bodies', async () => {
    await using test = await startRuntime({ machines });
    const { client } = test.runtime;
    for (const id of ['a', 'b']) {
      await client.start('counter', { id });
      await client.send('counter', id, { type: 'boom' });
    }
    await client.send('counter', 'nobody', { type: 'add', by: 1 });
    const reserved = client.send('counter', 'a', { type: 'xstate.stop' });
    await expect(reserved).rejects.toMatchObject({ code: 'INPUT_INVALID' });
    const letters = client.deadLetters;
    await expect.poll(() => numbers(letters)).toHaveLength(3);
    const { items } = await letters.list();
    expect(items.map(({ code }) => code).sort()).toEqual([
      'ACTOR_NOT_FOUND',
      'MACHINE_THREW',
      'MACHINE_THREW',
    ]);
    expect((await letters.list({ code: 'ACTOR_NOT_FOUND' })).items).toMatchObject([
      { actor: 'counter/nobody', kind: 'event', from: 'actor.counter' },
    ]);
    expect((await letters.list({ actor: 'counter/b' })).items).toHaveLength(1);
    expect((await letters.list({ actor: 'counter' })).items).toHaveLength(3);
    expect((await letters.list({ actor: 'count' })).items).toHaveLength(0);
    const first = await letters.list({ limit: 2 });
    expect(first.items).toHaveLength(2);
    const second = await letters.list({ from: first.next ?? -1, limit: 2 });
    expect([...first.items, ...second.items]).toEqual(items);
    expect(second.next).toBeUndefined();
    const [letter] = (await letters.list({ actor: 'counter/b' })).items;
    expect(await letters.show(letter?.number ?? 0)).toMatchObject({
      ...letter,
      description: expect.stringContaining('this event cannot be applied'),
      body: { kind: 'event', event: { type: 'boom' } },
    });
    expect(await letters.show(987_654)).toBeUndefined();
  });

  it('are sent again to their actor, once, when what was wrong has been mended', async () => {
    await using test = await startRuntime({ machines: { picky: app('picky.machine.ts', 'picky') } });
    const { client } = test.runtime;
    await client.start('picky', { id: 'p' });
    await client.send('picky', 'p', { type: 'take', value: 'word' });
    const letters = client.deadLetters;
    await expect.poll(() => numbers(letters)).toHaveLength(1);
    const [number = 0] = await numbers(letters);
    await client.send('picky', 'p', { type: 'learn' });
    expect(await all(letters.redrive([number], { dryRun: true }))).toEqual(['would-redrive']);
    await untilTaken(() => letters.redrive([number]), 'redriven');
    expect(await all(letters.redrive([number]))).toEqual(['gone']);
    await expect
      .poll(async () => (await client.query('picky', 'p')).context)
      .toEqual({ learnt: true, taken: ['word'] });
    expect(await numbers(letters)).toEqual([]);
    // Refused in batches, which a host settles in an order of its own.
    const words = Array.from({ length: 60 }, (_, at) => `word ${at}`);
    await Promise.all(words.map((value) => client.send('picky', 'q', { type: 'take', value })));
    await expect.poll(() => numbers(letters)).toHaveLength(words.length);
    await client.start('picky', { id: 'q' });
    await client.send('picky', 'q', { type: 'learn' });
    const tried = await all(letters.redrive({ actor: 'picky/q' }, { dryRun: true }));
    expect(tried).toEqual(words.map(() => 'would-redrive'));
    await expect
      .poll(async () => {
        await all(letters.redrive({ actor: 'picky/q' }));
        return (await client.query('picky', 'q')).context;
      })
      .toEqual({ learnt: true, taken: words });
  });

  it('are tried out before: nothing changes, and a turn that loops holds up nobody', async () => {
    await using test = await startRuntime({
      machines: { picky: app('picky.machine.ts', 'picky') },
      turnTimeoutMs: 300,
    });
    const { client, counters } = test.runtime;
    await client.start('picky', { id: 'p' });
    for (const event of [{ type: 'take', value: 'word' }, { type: 'spin' }] as const)
      await client.send('picky', 'p', event);
    const letters = client.deadLetters;
    await expect.poll(() => numbers(letters), { timeout: 20_000 }).toHaveLength(2);
    const [taken = 0, spun = 0] = await numbers(letters);
    const dry = async (...chosen: readonly number[]) => {
      const found: (Foresight | undefined)[] = [];
      for await (const { foresight } of letters.redrive(chosen, { dryRun: true })) found.push(foresight);
      return found;
    };
    const threw = { would: 'fail', error: { code: 'MACHINE_THREW' } };
    expect(await dry(taken)).toMatchObject([threw]);
    await client.send('picky', 'p', { type: 'learn' });
    const before = await client.query('picky', 'p');
    const counted = counters().actors;
    const [foreseen, during] = await Promise.all([dry(taken, spun, taken), client.query('picky', 'p')]);
    expect(foreseen).toMatchObject([
      { would: 'apply', status: 'active', turn: before.turn + 1, effects: [] },
      { would: 'fail', error: { code: 'TURN_POISONED', message: expect.stringContaining('TURN_TIMEOUT') } },
      { would: 'drop' },
    ]);
    expect([during, await client.query('picky', 'p')]).toEqual([before, before]);
    expect(counters().actors).toEqual(counted);
    expect(await numbers(letters)).toEqual([taken, spun]);
  });

  it('of an agent are done again with a deadline and attempts of their own', async () => {
    let broken = true;
    const inputs: unknown[] = [];
    const agents = {
      oracle: {
        run: (input: unknown) => {
          inputs.push(input);
          if (broken) throw new Error('no');
          return null;
        },
        retry: { attempts: 2, backoffMs: 1 },
      },
    };
    await using test = await startRuntime({
      machines: { asker: app('asker.machine.ts', 'asker') },
      agents,
    });
    const { client } = test.runtime;
    await client.start('asker', { id: '1', input: { question: 'why' } as never });
    const letters = client.deadLetters;
    // Its asker took the failure, so it is nobody's work any more; it can be done again all the same.
    const handled = async () => (await letters.list({ agent: 'oracle', all: true })).items;
    const inWords = { code: 'TASK_FAILED', description: 'no', data: { attempts: 2 } };
    await expect.poll(handled).toMatchObject([{ actor: 'asker/1', kind: 'task', handled: true, ...inWords }]);
    expect(await numbers(letters)).toEqual([]);
    expect(await all(letters.redrive({ agent: 'oracle' }))).toEqual([]);
    // Still wrong: it is tried as often as the first time, and comes back.
    await untilTaken(() => letters.redrive({ agent: 'oracle', all: true }), 'redriven');
    await expect.poll(() => inputs).toHaveLength(4);
    await expect.poll(async () => (await handled()).length).toBe(1);
    broken = false;
    await untilTaken(() => letters.redrive({ agent: 'oracle', all: true }), 'redriven');
    await expect.poll(() => inputs).toHaveLength(5);
    for (const input of inputs) expect(input).toEqual(inputs[0]);
  });

  it('of tasks whose asker deals with the failure are no warning, and leave after the retention time', async () => {
    const warned: string[] = [];
    const warn = (message: string): void => void warned.push(message);
    const logger = { debug: () => {}, info: () => {}, warn, error: warn };
    const fail = (): never => {
      throw Object.assign(new Error('no'), { code: 'E1', retryable: false });
    };
    const sleep = (): Promise<null> => new Promise((resolve) => setTimeout(resolve, 1_000, null));
    await using test = await startRuntime(
      {
        machines: {
          asker: app('asker.machine.ts', 'asker'),
          gather: app('gathering.machine.ts', 'gatherTwo'),
          until: app('gathering.machine.ts', 'gatherUntil'),
        },
        agents: { oracle: { run: fail }, sleeper: { run: sleep, concurrency: 1 } },
        retentionMs: 3_000,
      },
      { logger },
    );
    const { client, counters } = test.runtime;
    const letters = client.deadLetters;
    const every = async () => (await letters.list({ all: true })).items;
    const of = async (agent: string) =>
      (await every()).filter((letter) => letter.agent === agent).map(({ code, actor }) => [code, actor]);
    await client.start('until', { id: 'u', input: { items: [1, 2, 3] } as never });
    await client.start('asker', { id: 'a', input: { question: 'why' } as never });
    await client.start('gather', { id: 'g', input: { items: [1, 2, 3, 4] } as never });
    // One by a transition, three by a gather, which then cannot reach its quorum any more.
    await expect.poll(async () => (await of('oracle')).length).toBeGreaterThanOrEqual(4);
    // What had not failed by then, or lapsed with a gather's deadline, is cancelled, or handled where it came first.
    await expect.poll(async () => (await client.query('until', 'u')).status).toBe('done');
    await expect.poll(() => numbers(letters)).toEqual([]);
    await expect.poll(every, { timeout: 20_000 }).toEqual([]);
    expect(counters().deadLetters).toBe(0);
    expect(warned.filter((line) => line.includes('dead letter'))).toEqual([]);
  });

  it('of tasks that lapsed are unhandled while their asker stands still, and handled once it continues', async () => {
    const sleep = (_input: unknown, { signal }: AgentContext): Promise<null> =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve(null)));
    const gatherer = { ...app('leaver.machine.ts', 'gatherer'), onPoison: 'quarantine' as const };
    await using test = await startRuntime({
      machines: { gatherer },
      agents: { sleeper: { run: sleep, concurrency: 1 } },
    });
    const { client } = test.runtime;
    await client.start('gatherer', { id: 'g' });
    await expect
      .poll(async () => (await client.query('gatherer', 'g')).quarantine?.code, { timeout: 30_000 })
      .toBe('MACHINE_THREW');
    const lapsed = async (every: boolean) =>
      (await client.deadLetters.list({ agent: 'sleeper', all: every })).items.map(({ code, handled }) => [
        code,
        handled,
      ]);
    const unhandled = ['DEADLINE_EXCEEDED', false];
    await expect.poll(() => lapsed(false), { timeout: 30_000 }).toEqual([unhandled, unhandled]);
    // Each thread throws once.
    await expect
      .poll(() => client.actors.release('gatherer', 'g').then(() => lapsed(false)), { timeout: 30_000 })
      .toEqual([]);
    const handled = ['DEADLINE_EXCEEDED', true];
    expect(await lapsed(true)).toEqual([handled, handled]);
  });

  it('are changed before they are sent again; what they came with is kept, and whose they are stays', async () => {
    const said: unknown[] = [];
    const info = (message: string, fields?: object): void => void said.push({ message, ...fields });
    const logger = { debug: () => {}, info, warn: () => {}, error: () => {} };
    await using test = await startRuntime({ machines }, { logger });
    const { client } = test.runtime;
    await client.start('counter', { id: 'c' });
    await client.send('counter', 'c', { type: 'boom' });
    const letters = client.deadLetters;
    await expect.poll(() => numbers(letters)).toHaveLength(1);
    const [old = 0] = await numbers(letters);
    // Sent again too early: it comes back, and says what was done to it.
    await expect
      .poll(() => letters.edit(old, { set: { 'event.by': 1 }, by: 'bob', why: 'no by' }))
      .toBe('edited');
    expect(await all(letters.redrive([old], { by: 'carol', why: 'ticket 12' }))).toEqual(['redriven']);
    await expect
      .poll(async () => (await letters.list()).items)
      .toMatchObject([
        { earlier: [{ number: old, by: 'carol', why: 'ticket 12', edited: { by: 'bob', why: 'no by' } }] },
      ]);
    await expect
      .poll(() => said.filter((line) => Object.hasOwn(line as object, 'audit')))
      .toMatchObject([
        { audit: 'edited', numbers: `${old}`, by: 'bob', why: 'no by' },
        { audit: 'redriven', numbers: `${old}`, by: 'carol', why: 'ticket 12' },
      ]);
    const [number = 0] = await numbers(letters);
    const body = { kind: 'event', event: { type: 'add', by: 0 } };
    const edit = () => letters.edit(number, { body, by: 'alice' });
    await expect.poll(edit).toBe('edited');
    for (const wrong of [
      { body: { kind: 'stop' } },
      { body: { kind: 'event', event: { type: '' } } },
      { set: { 'event.type': 'xstate.stop' } },
      { set: { 'evnt.type': 'add' } },
      {},
    ])
      await expect(letters.edit(number, wrong)).rejects.toMatchObject({ code: 'INPUT_INVALID' });
    expect(await letters.edit(number, { set: { 'event.by': 7 }, by: 'bob' })).toBe('edited');
    expect(await letters.edit(987_654, { set: {} })).toBe('gone');
    expect(await letters.show(number)).toMatchObject({
      body: { kind: 'event', event: { type: 'add', by: 7 } },
      was: { kind: 'event', event: { type: 'boom', by: 1 } },
      edited: { by: 'bob', at: expect.any(Number) },
    });
    for await (const { foresight } of letters.redrive([number], { dryRun: true }))
      expect(foresight).toMatchObject({ would: 'apply' });
    expect(await all(letters.redrive([number]))).toEqual(['redriven']);
    await expect.poll(async () => (await client.query('counter', 'c')).context.count).toBe(7);
  });

  it('that fail again while they are sent are sent once, by time and at a rate, until it is stopped', async () => {
    await using test = await startRuntime({ machines });
    const { client } = test.runtime;
    await client.start('counter', { id: 'c' });
    for (const type of ['boom', 'boom', 'boom'] as const) await client.send('counter', 'c', { type });
    const letters = client.deadLetters;
    await expect.poll(() => numbers(letters)).toHaveLength(3);
    const { items } = await letters.list();
    // Two of them may have come within a millisecond.
    const [, second] = items.map(({ at }) => at);
    const late = items.filter(({ at }) => at >= (second ?? 0));
    expect((await letters.list({ since: second ?? 0 })).items).toEqual(late);
    expect((await letters.list({ until: second ?? 0 })).items).toHaveLength(items.length - late.length);
    const stop = new AbortController();
    const done: string[] = [];
    const stopped = (async () => {
      for await (const { outcome } of letters.redrive({}, { rate: 10, signal: stop.signal })) {
        done.push(outcome);
        stop.abort();
      }
    })();
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' });
    expect(done).toHaveLength(1);
    await expect.poll(() => numbers(letters)).toHaveLength(3);
    const before = await numbers(letters);
    // Slower than a letter comes back.
    expect(await all(letters.redrive({ actor: 'counter' }, { rate: 4 }))).toEqual([
      'redriven',
      'redriven',
      'redriven',
    ]);
    await expect
      .poll(async () => (await numbers(letters)).filter((number) => !before.includes(number)))
      .toHaveLength(3);
  });

  it('are thrown away for good', async () => {
    await using test = await startRuntime({ machines });
    const { client } = test.runtime;
    await client.start('counter', { id: 'c' });
    await client.send('counter', 'c', { type: 'boom' });
    const letters = client.deadLetters;
    await expect.poll(() => numbers(letters)).toHaveLength(1);
    await untilTaken(() => letters.discard({ code: 'MACHINE_THREW' }), 'discarded');
    expect(await numbers(letters)).toEqual([]);
    expect(await all(letters.discard({}))).toEqual([]);
  });

  it('are what becomes of events for nobody; a flood of them is set aside while it comes in', async () => {
    const lines: string[] = [];
    const say = (message: string): void => void lines.push(message);
    const logger = { debug: () => {}, info: say, warn: say, error: say };
    await using test = await startRuntime({ machines }, { logger });
    const { client } = test.runtime;
    const FLOOD = 300;
    await Promise.all(
      Array.from({ length: FLOOD }, () => client.send('counter', 'nobody', { type: 'add', by: 1 })),
    );
    await client.start('counter', { id: 'ended' });
    await client.send('counter', 'ended', { type: 'finish' });
    await client.send('counter', 'ended', { type: 'add', by: 1 });
    const letters = client.deadLetters;
    const count = async (code: string) => (await letters.list({ code, limit: 1_000 })).items.length;
    await expect.poll(() => count('ACTOR_NOT_FOUND'), { timeout: 30_000 }).toBe(FLOOD);
    await expect.poll(() => count('ACTOR_ENDED')).toBe(1);
    expect(lines.filter((line) => line.includes('for nobody'))).toHaveLength(2);
    expect((await letters.list({ actor: 'counter/ended' })).items).toMatchObject([
      { kind: 'event', code: 'ACTOR_ENDED', description: 'counter/ended has ended: done' },
    ]);
    // What was missing is done, and each is sent again.
    await client.start('counter', { id: 'nobody' });
    const [first = 0] = (await letters.list({ actor: 'counter/nobody', limit: 1 })).items.map(
      ({ number }) => number,
    );
    await untilTaken(() => letters.redrive([first]), 'redriven');
    await expect.poll(async () => (await client.query('counter', 'nobody')).context.count).toBe(1);
  });

  it('are not what becomes of an event that may start its actor', async () => {
    await using test = await startRuntime({ machines });
    const { client } = test.runtime;
    const start = { input: null as never };
    await Promise.all([1, 2, 3].map(() => client.send('counter', 'c', { type: 'add', by: 1 }, { start })));
    await expect.poll(async () => (await client.query('counter', 'c')).context.count).toBe(3);
    expect(await numbers(client.deadLetters)).toEqual([]);
  });
});

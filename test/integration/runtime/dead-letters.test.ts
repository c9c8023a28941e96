// Dead letters as people handle them, through the real client and a real socket.
import { describe, expect, it } from 'vitest';
import type { DeadLetters, Remedied } from '../../../src/contract/dead-letters.ts';
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
  await expect.poll(() => all(remedy()), { timeout: 10_000 }).toEqual([outcome]);
}

describe('dead letters', () => {
  it('are listed page by page, by code and by actor, and shown with their bodies', async () => {
    await using test = await startRuntime({ machines });
    const { client } = test.runtime;
    for (const id of ['a', 'b']) {
      await client.start('counter', { id });
      await client.send('counter', id, { type: 'boom' });
    }
    await client.send('counter', 'a', { type: 'xstate.stop' });
    const letters = client.deadLetters;
    await expect.poll(() => numbers(letters)).toHaveLength(3);
    const { items } = await letters.list();
    expect(items.map(({ code }) => code).sort()).toEqual([
      'EVENT_RESERVED',
      'MACHINE_THREW',
      'MACHINE_THREW',
    ]);
    expect((await letters.list({ code: 'EVENT_RESERVED' })).items).toMatchObject([
      { actor: 'counter/a', kind: 'event', from: 'actor.counter' },
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
  });

  it('of an agent are done again with a deadline of their own', async () => {
    let broken = true;
    const inputs: unknown[] = [];
    const agents = {
      oracle: {
        run: (input: unknown) => {
          inputs.push(input);
          if (broken) throw Object.assign(new Error('no'), { retryable: false });
          return null;
        },
      },
    };
    await using test = await startRuntime({
      machines: { asker: app('asker.machine.ts', 'asker') },
      agents,
    });
    const { client } = test.runtime;
    await client.start('asker', { id: '1', input: { question: 'why' } as never });
    const letters = client.deadLetters;
    await expect.poll(() => numbers(letters)).toHaveLength(1);
    expect((await letters.list({ agent: 'oracle' })).items).toMatchObject([
      { actor: 'asker/1', kind: 'task' },
    ]);
    broken = false;
    await untilTaken(() => letters.redrive({ agent: 'oracle' }), 'redriven');
    await expect.poll(() => inputs).toHaveLength(2);
    expect(inputs[1]).toEqual(inputs[0]);
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
});

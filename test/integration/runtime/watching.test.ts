// Following and cancelling actors through the real client and a real socket.
import { describe, expect, it } from 'vitest';
import type { Transition } from '../../../src/contract/client.ts';
import { app, startRuntime } from '../../kit/runtime.ts';

const machines = { counter: app('counter.machine.ts', 'counter') };

describe('a client', () => {
  it('follows an actor from where it is to its end', async () => {
    await using test = await startRuntime({ machines });
    const { client } = test.runtime;
    await client.start('counter', { id: 'c' });
    const seen: Transition[] = [];
    const following = (async () => {
      for await (const transition of client.watch('counter', 'c')) seen.push(transition);
    })();
    await expect.poll(() => seen.length).toBe(1);
    for (const by of [1, 2, 3]) await client.send('counter', 'c', { type: 'add', by });
    await client.send('counter', 'c', { type: 'finish' });
    await following;
    expect(seen.map(({ event }) => event)).toEqual([
      undefined,
      { type: 'add', by: 1 },
      { type: 'add', by: 2 },
      { type: 'add', by: 3 },
      { type: 'finish' },
    ]);
    expect(seen.at(-1)).toMatchObject({ status: 'done', value: 'finished', output: { count: 6 } });
  });

  it('who follows nobody is told so', async () => {
    await using test = await startRuntime({ machines });
    await expect(test.runtime.client.watch('counter', 'nobody').next()).rejects.toMatchObject({
      code: 'ACTOR_NOT_FOUND',
    });
  });

  it('cancels an actor once and for all; its followers and waiters learn it', async () => {
    await using test = await startRuntime({ machines });
    const { client } = test.runtime;
    await client.start('counter', { id: 'c' });
    const transitions = client.watch('counter', 'c');
    await transitions.next();
    const result = expect(client.result('counter', 'c')).rejects.toMatchObject({ code: 'ACTOR_STOPPED' });
    expect(await client.cancel('counter', 'c')).toBe('cancelled');
    await result;
    expect((await transitions.next()).value).toMatchObject({ status: 'stopped' });
    expect((await transitions.next()).done).toBe(true);
    expect(await client.cancel('counter', 'c')).toBe('cancelled');
    expect(await client.query('counter', 'c')).toMatchObject({ status: 'stopped' });
  });

  it('cannot cancel what has ended or never was', async () => {
    await using test = await startRuntime({ machines });
    const { client } = test.runtime;
    await client.start('counter', { id: 'c' });
    await client.send('counter', 'c', { type: 'finish' });
    expect(await client.cancel('counter', 'c')).toBe('ended');
    await expect(client.cancel('counter', 'nobody')).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
  });
});

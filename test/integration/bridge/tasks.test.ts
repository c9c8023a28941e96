import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Disposition } from '../../../src/contract/ports.ts';
import { atEnd, collect, numberOf, signal, startWorld, statusOf, TASKS, task } from './kit.ts';

const COMPLETE: Disposition = { kind: 'complete' };

describe('the task pump', () => {
  it('never runs more at once than asked for', async () => {
    const { bridge } = await startWorld();
    const count = 400;
    await bridge.publish(Array.from({ length: count }, (_, n) => task(n)));
    const got = collect<number>(count);
    let running = 0;
    let most = 0;
    const pump = bridge.pumpTasks({
      entity: TASKS,
      concurrency: 5,
      onMessage: async (message) => {
        running += 1;
        most = Math.max(most, running);
        await sleep(1);
        running -= 1;
        got.add(numberOf(message));
        return COMPLETE;
      },
    });
    await got.done;
    await pump.stop();
    expect(most).toBe(5);
    expect(new Set(got.all).size).toBe(count);
  });

  it('keeps the lock of a task that runs three lock durations, which completes once', async () => {
    const lockDurationMs = 3_000;
    const world = await startWorld({ lockDurationMs });
    const { bridge } = world;
    await bridge.publish([task(1)]);
    const runs: boolean[] = [];
    const done = signal();
    const pump = bridge.pumpTasks({
      entity: TASKS,
      concurrency: 2,
      onMessage: async (_message, lost) => {
        await sleep(3 * lockDurationMs);
        runs.push(lost.aborted);
        done.fire();
        return COMPLETE;
      },
    });
    await done.promise;
    await pump.stop();
    expect(runs).toEqual([false]);
    expect(await statusOf(world, TASKS)).toMatchObject({ active: 0, locks: 0, deadLettered: 0 });
  });

  it('dead-letters with reason and description, and pumps what is dead', async () => {
    const { bridge } = await startWorld();
    await bridge.publish([task(7)]);
    const pump = bridge.pumpTasks({
      entity: TASKS,
      concurrency: 1,
      onMessage: async () => ({ kind: 'deadLetter', reason: 'Poison', description: 'cannot be read' }),
    });
    const dead = signal<object>();
    const deadPump = bridge.pumpDeadLetters({
      entity: TASKS,
      concurrency: 1,
      onMessage: async (message) => {
        dead.fire(message);
        return COMPLETE;
      },
    });
    expect(await dead.promise).toMatchObject({
      body: { n: 7 },
      deadLetterReason: 'Poison',
      deadLetterDescription: 'cannot be read',
    });
    await Promise.all([pump.stop(), deadPump.stop()]);
  });

  it('leaves a message to its lock when its handler rejects', async () => {
    const { bridge } = await startWorld({ lockDurationMs: 1_000 });
    await bridge.publish([task(1)]);
    const got = collect<number>(2);
    const pump = bridge.pumpTasks({
      entity: TASKS,
      concurrency: 1,
      onMessage: async (message) => {
        got.add(message.deliveryCount);
        if (message.deliveryCount === 0) throw new Error('on purpose');
        return COMPLETE;
      },
    });
    await got.done;
    await pump.stop();
    expect(got.all).toEqual([0, 1]);
  });

  it('stops by finishing what runs, and raises no delivery count', async () => {
    const { bridge, connect } = await startWorld();
    const count = 60;
    await bridge.publish(Array.from({ length: count }, (_, n) => task(n)));
    const first: number[] = [];
    const some = signal();
    const pump = bridge.pumpTasks({
      entity: TASKS,
      concurrency: 8,
      onMessage: async (message) => {
        await sleep(5);
        first.push(numberOf(message));
        if (first.length === 10) some.fire();
        return COMPLETE;
      },
    });
    await some.promise;
    await pump.stop();
    expect(pump.active).toBe(0);
    const taken = first.length;
    expect(taken).toBeLessThan(count);

    const rest = collect<{ n: number; deliveryCount: number }>(count - taken);
    const other = await connect();
    const second = other.pumpTasks({
      entity: TASKS,
      concurrency: 8,
      onMessage: async (message) => {
        rest.add({ n: numberOf(message), deliveryCount: message.deliveryCount });
        return COMPLETE;
      },
    });
    atEnd(() => second.stop());
    await rest.done;
    expect(rest.all.every(({ deliveryCount }) => deliveryCount === 0)).toBe(true);
    expect(new Set([...first, ...rest.all.map(({ n }) => n)]).size).toBe(count);
  });
});

import { describe, expect, it } from 'vitest';
import { createActor, SimulatedClock, toPromise } from 'xstate';
import { kindOfLogic } from '../../../src/actors/core/logic.ts';
import type { Json } from '../../../src/contract/json.ts';
import type { ScatterPlan } from '../../../src/contract/scatter.ts';
import { all, deadline, quorum } from '../../../src/machines/policies.ts';
import { scatter } from '../../../src/machines/scatter.ts';
import { coded } from './kit.ts';

const plan = { agents: ['a', 'b'], items: [1, 2, 3], policy: all(), collect: 'values' } satisfies ScatterPlan;

function gather(agents: Record<string, (task: never) => unknown>, over: Partial<ScatterPlan> = {}) {
  const clock = new SimulatedClock();
  const actor = createActor(scatter<number>({ agents }), {
    clock,
    input: { ...plan, ...over } as never,
  });
  actor.subscribe({ error: () => {} });
  const end = toPromise(actor);
  end.catch(() => {});
  actor.start();
  return { clock, end };
}

describe('scatter outside Quorate', () => {
  it('is known to Quorate by its mark and is refused without local agents', async () => {
    expect(kindOfLogic(scatter())).toBe('scatter');
    const actor = createActor(scatter(), { input: plan });
    actor.subscribe({ error: () => {} });
    const end = toPromise(actor.start());
    await expect(end).rejects.toMatchObject({ code: 'AGENT_NOT_FOUND' });
  });

  it('asks each agent about each item, in branch order', async () => {
    const echo = (name: string) => (task: { item: number; shared: Json }) => [name, task.item, task.shared];
    const { end } = gather({ a: echo('a'), b: echo('b') }, { shared: 's' });
    expect(await end).toMatchObject({
      outcome: 'all',
      total: 6,
      ok: 6,
      missing: 0,
      values: [
        { index: 0, agent: 'a', value: ['a', 1, 's'] },
        { index: 1, agent: 'b', value: ['b', 1, 's'] },
        { index: 2, agent: 'a', value: ['a', 2, 's'] },
        { index: 3, agent: 'b', value: ['b', 2, 's'] },
        { index: 4, agent: 'a', value: ['a', 3, 's'] },
        { index: 5, agent: 'b', value: ['b', 3, 's'] },
      ],
    });
  });

  it('sums counts, keeps no values with collect counts, and names what failed', async () => {
    const b = () => {
      throw coded('NO_LUCK');
    };
    const { end } = gather({ a: () => ({ counts: { lines: 2 } }), b }, { collect: 'counts' });
    const { counts, values, ok, failed, errors } = await end;
    expect({ counts, values, ok, failed }).toEqual({ counts: { lines: 6 }, values: [], ok: 3, failed: 3 });
    expect(errors.map(({ index, error }) => [index, error.code])).toEqual([
      [1, 'NO_LUCK'],
      [3, 'NO_LUCK'],
      [5, 'NO_LUCK'],
    ]);
  });

  it('is complete under all also when every branch failed', async () => {
    const fail = () => Promise.reject(new Error('no'));
    expect(await gather({ a: fail, b: fail }).end).toMatchObject({ outcome: 'all', ok: 0, failed: 6 });
  });

  it('is bounded by deadlineMs when the policy would wait longer', async () => {
    const silent = () => new Promise(() => {});
    const { clock, end } = gather({ a: () => 1, b: silent }, { policy: deadline(500), deadlineMs: 300 });
    await new Promise(setImmediate);
    clock.increment(300);
    expect(await end).toMatchObject({ outcome: 'deadline', ok: 3 });
  });

  it('ends at the deadline with what is there', async () => {
    const silent = () => new Promise(() => {});
    const { clock, end } = gather({ a: () => 1, b: silent }, { policy: deadline(500, { atLeast: 3 }) });
    await new Promise(setImmediate);
    clock.increment(500);
    expect(await end).toMatchObject({ outcome: 'deadline', ok: 3, missing: 3 });
  });

  it('fails at the deadline with too few, and with all at its upper bound', async () => {
    const silent = () => new Promise(() => {});
    for (const over of [{ policy: deadline(500, { atLeast: 4 }) }, { policy: all(), deadlineMs: 500 }]) {
      const { clock, end } = gather({ a: () => 1, b: silent }, over);
      await new Promise(setImmediate);
      clock.increment(500);
      await expect(end).rejects.toMatchObject({
        code: 'GATHER_FAILED',
        data: { total: 6, ok: 3, missing: 3 },
      });
    }
  });

  it('refuses what can never be met, an unknown agent and items by reference', async () => {
    const agents = { a: () => 1, b: () => 1 };
    await expect(gather(agents, { policy: quorum(7) }).end).rejects.toMatchObject({ code: 'INPUT_INVALID' });
    await expect(gather({ a: () => 1 }).end).rejects.toMatchObject({ code: 'AGENT_NOT_FOUND' });
    const items = { $payload: 'x', bytes: 1, count: 2 };
    await expect(gather(agents, { items }).end).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  });

  it('gives each branch its own item and its own shared value, as messages do', async () => {
    const seen: string[] = [];
    const greedy = (task: { item: number[]; shared: number[] }) => {
      seen.push(JSON.stringify(task));
      task.item.push(9);
      task.shared.push(9);
    };
    await gather({ a: greedy, b: greedy }, { items: [[1], [2]], shared: [0] }).end;
    expect(seen).toEqual(['[1]', '[1]', '[2]', '[2]'].map((item) => `{"item":${item},"shared":[0]}`));
  });

  it('is over at once without items', async () => {
    expect(await gather({ a: () => 1, b: () => 1 }, { items: [] }).end).toMatchObject({
      outcome: 'all',
      total: 0,
    });
  });
});

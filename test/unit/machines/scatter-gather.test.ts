import { describe, expect, it } from 'vitest';
import { waitFor } from 'xstate';
import { all, deadline, quorum } from '../../../src/machines/policies.ts';
import { SCATTER, scatter } from '../../../src/machines/scatter.ts';
import type { ScatterGatherOptions } from '../../../src/machines/scatter-gather.ts';
import { scatterGather } from '../../../src/machines/scatter-gather.ts';
import { TestActor } from '../actors/core/turns.ts';
import { outputOf, start } from './kit.ts';

const silent = (): Promise<never> => new Promise(() => {});
const fail = () => Promise.reject(new Error('no'));

function gathering(over: Partial<ScatterGatherOptions>, agents: Record<string, (task: never) => unknown>) {
  return scatterGather({ agents: Object.keys(agents), policy: all(), ...over }).provide({
    actors: { [SCATTER]: scatter({ agents }) },
  });
}

describe('scatterGather', () => {
  it('gathers all, failures included', async () => {
    const machine = gathering({}, { a: ({ item }: { item: number }) => item * 10, b: fail });
    const running = start(machine, { items: [1, 2] });
    expect(await outputOf(running)).toMatchObject({
      status: 'gathered',
      outcome: 'all',
      total: 4,
      ok: 2,
      failed: 2,
      values: [
        { index: 0, agent: 'a', value: 10 },
        { index: 2, agent: 'a', value: 20 },
      ],
    });
    expect(running.actor.getSnapshot().hasTag('gathered')).toBe(true);
  });

  it('ends with a quorum and does not wait for the rest', async () => {
    const machine = gathering({ policy: quorum(2) }, { a: () => 1, b: silent });
    expect(await outputOf(start(machine, { items: [1, 2] }))).toMatchObject({
      status: 'gathered',
      outcome: 'quorum',
      ok: 2,
      missing: 2,
    });
  });

  it('fails, as data, as soon as the quorum is out of reach', async () => {
    const machine = gathering({ policy: quorum(3) }, { a: () => silent(), b: fail });
    const running = start(machine, { items: [1, 2] });
    expect(await outputOf(running)).toMatchObject({
      status: 'failed',
      error: { code: 'GATHER_FAILED', data: { total: 4, failed: 2 } },
    });
    expect(running.actor.getSnapshot().value).toBe('failed');
  });

  it('takes the best so far at the deadline', async () => {
    const machine = gathering({ policy: deadline(1_000) }, { a: () => 1, b: silent });
    const { actor, clock, end } = start(machine, { items: [1] });
    await waitFor(actor, ({ value }) => value === 'scattering');
    await new Promise(setImmediate);
    clock.increment(1_000);
    expect(await end).toMatchObject({
      output: { status: 'gathered', outcome: 'deadline', ok: 1, missing: 1 },
    });
  });

  it('hands plan and policy to the scatter and keeps neither items nor answers in its context', async () => {
    const machine = scatterGather({
      agents: ['a', 'b'],
      policy: quorum(5),
      collect: 'counts',
      deadlineMs: 9_000,
    });
    const actor = new TestActor(machine, {
      registry: { agents: { a: { deadlineMs: 1 }, b: { deadlineMs: 1 } }, machines: {} },
    });
    const items = { $payload: 'p', bytes: 1_000_000, count: 1_000 };
    const { effects } = actor.start({ items, shared: { root: '/' } });
    expect(effects.map(({ effect }) => effect)).toContainEqual(
      expect.objectContaining({
        kind: 'scatter',
        total: 2_000,
        plan: {
          agents: ['a', 'b'],
          policy: quorum(5),
          collect: 'counts',
          deadlineMs: 9_000,
          items,
          shared: { root: '/' },
        },
      }),
    );
    expect(actor.context).toEqual({ total: 2_000 });
  });

  it('publishes each item once with a topic, whose subscriptions are its branches', () => {
    const machine = scatterGather({ topic: 'reviews', agents: ['eu', 'us'], policy: quorum(3) });
    const registry = {
      agents: { a: { deadlineMs: 1 } },
      machines: {},
      topics: { reviews: { eu: 'a', us: 'a' } },
    };
    const { effects } = new TestActor(machine, { registry }).start({ items: [1, 2] });
    const plan = { topic: 'reviews', agents: ['eu', 'us'], policy: quorum(3) };
    expect(effects[0]?.effect).toMatchObject({ kind: 'scatter', total: 4, plan });
  });

  it('refuses to be made without agents', () => {
    expect(() => scatterGather({ agents: [], policy: all() })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});

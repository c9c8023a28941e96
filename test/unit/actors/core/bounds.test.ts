// Bounds of a run: an actor that goes beyond one ends in error in that very turn, nothing that it asked for there leaves, and no tree of
// children asks for more tasks than its root was given.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { setup, spawnChild } from 'xstate';
import type { Bounds } from '../../../../src/contract/bounds.ts';
import type { CoreState, ParentLink, TurnInput } from '../../../../src/contract/turn.ts';
import { scatter } from '../../../../src/machines/scatter.ts';
import { type Batch, effectsOf, holdings, NOTHING, NOW, TestActor } from './turns.ts';

const machine = setup({
  types: { events: {} as { type: 'task' | 'fan' | 'child' | 'children' | 'both' | 'finish' } },
  actors: { fan: scatter() },
  actions: {
    task: spawnChild('work' as never),
    child: spawnChild('node' as never),
    fan: spawnChild('fan', {
      input: { agents: ['work'], items: [1, 2, 3], policy: {}, collect: 'counts' },
    }),
  },
}).createMachine({
  initial: 'on',
  states: {
    on: {
      on: {
        task: { actions: 'task' },
        fan: { actions: 'fan' },
        child: { actions: 'child' },
        children: { actions: ['child', 'child', 'child'] },
        both: { actions: ['task', 'child'] },
        finish: 'end',
      },
    },
    end: { type: 'final' },
  },
});

const registry = { agents: { work: { deadlineMs: 60_000 } }, machines: { node: true as const } };
const parent: ParentLink = {
  address: { type: 'node', id: 'p' },
  reply: { entity: 'actor.node', sessionId: 'p', correlationId: '1.0' },
  syncSnapshot: false,
};

function begun(bounds: Bounds, more: { readonly parent?: ParentLink } = {}): TestActor {
  const actor = new TestActor(machine, { registry });
  actor.start(null, { bounds, ...more });
  return actor;
}

const fire = (actor: TestActor, of: string): Batch => {
  const due = Object.entries(actor.state?.timers ?? {}).filter(
    ([, { what }]) => what.kind === 'bound' && what.of === of,
  );
  return actor.take(...due.map(([token]): TurnInput => ({ kind: 'timer', token })));
};
const errorOf = (actor: TestActor) => actor.state?.error;

describe('an actor of a run with bounds', () => {
  it('asks for as many tasks as are left, branches included, and ends at the next', () => {
    const actor = begun({ tasks: 4 });
    actor.send('task');
    actor.send('fan');
    expect(actor.state?.bounds?.tasks).toBe(0);
    const batch = actor.send('task');
    expect(errorOf(actor)).toEqual({
      code: 'TOO_MANY_TASKS',
      message: '1 more tasks, and 0 of the `maxTasks` of its run are left to it',
      data: { asked: 1, left: 0 },
    });
    expect(effectsOf(batch, 'task')).toEqual([]);
    expect(holdings(actor.state)).toEqual(NOTHING);
  });

  it('sends nothing of the turn in which it goes beyond: neither what came before in it nor what comes after', () => {
    const actor = begun({ tasks: 0, depth: 1 }, { parent });
    const batch = actor.send('both');
    expect(batch.effects.map(({ effect }) => effect.kind)).toEqual(['reply']);
    expect(effectsOf(batch, 'reply')).toMatchObject([{ outcome: { error: { code: 'TOO_MANY_TASKS' } } }]);
    const fan = begun({ tasks: 2 });
    expect(effectsOf(fan.send('fan'), 'scatter')).toEqual([]);
    expect(errorOf(fan)).toMatchObject({ data: { asked: 3, left: 2 } });
  });

  it('leaves its children one level less, and ends when there is none', () => {
    const actor = begun({ depth: 2, noProgressMs: 9 });
    expect(effectsOf(actor.send('child'), 'startChild')).toMatchObject([
      { bounds: { depth: 1, noProgressMs: 9 } },
    ]);
    const last = begun({ depth: 0 });
    expect(effectsOf(last.send('child'), 'startChild')).toEqual([]);
    expect(errorOf(last)).toMatchObject({ code: 'TOO_DEEP' });
  });

  it('shares its tasks with the children of a turn, and takes back what they did not ask for', () => {
    const actor = begun({ tasks: 10 });
    const batch = actor.send('children');
    expect(effectsOf(batch, 'startChild').map(({ bounds }) => bounds)).toEqual([
      { tasks: 2 },
      { tasks: 2 },
      { tasks: 2 },
    ]);
    expect(actor.state?.bounds?.tasks).toBe(4);
    const [execution = ''] = Object.keys(actor.state?.executions ?? {});
    const reply = {
      kind: 'reply',
      execution,
      outcome: { status: 'done', output: null },
      tasksLeft: 2,
    } as const;
    actor.take(reply, reply);
    // Once: the second finds nothing that waits for it.
    expect(actor.state?.bounds?.tasks).toBe(6);
  });

  it('says at its end what it did not ask for', () => {
    const actor = begun({ tasks: 3 }, { parent });
    actor.send('task');
    expect(effectsOf(actor.send('finish'), 'reply')).toMatchObject([{ tasksLeft: 2 }]);
    const without = begun({ depth: 3 }, { parent });
    expect(effectsOf(without.send('finish'), 'reply')[0]).not.toHaveProperty('tasksLeft');
  });

  it('ends at its deadline with all that it has open', () => {
    const actor = begun({ deadlineAt: NOW + 5_000 });
    const due = Object.values(actor.state?.timers ?? {});
    expect(due).toEqual([{ dueAt: NOW + 5_000, what: { kind: 'bound', of: 'deadline' } }]);
    actor.send('task');
    actor.send('child');
    const batch = fire(actor, 'deadline');
    expect(errorOf(actor)).toMatchObject({ code: 'RUN_DEADLINE' });
    expect(effectsOf(batch, 'stopChild')).toHaveLength(1);
    expect(holdings(actor.state)).toEqual(NOTHING);
    const ended = begun({ deadlineAt: NOW + 5_000 });
    ended.send('finish');
    expect(holdings(ended.state)).toEqual(NOTHING);
  });

  it('is stalled when nothing comes while it waits for tasks, and only then', () => {
    const actor = begun({ noProgressMs: 1_000 });
    expect(actor.state?.timers).toEqual({});
    actor.now += 60_000;
    actor.send('task');
    actor.now += 700;
    // An event is progress, as an answer would be.
    actor.send('task');
    actor.now += 400;
    fire(actor, 'progress');
    expect(actor.state?.status).toBe('active');
    actor.now += 600;
    fire(actor, 'progress');
    expect(errorOf(actor)).toMatchObject({
      code: 'RUN_STALLED',
      message: 'nothing came for 1000 ms while it waits for tasks; its run allows 1000',
    });
  });

  it('does not wait for children, which watch over themselves', () => {
    const actor = begun({ noProgressMs: 1_000 });
    actor.send('both');
    const task = Object.entries(actor.state?.executions ?? {}).find(([, { kind }]) => kind === 'task');
    actor.reply(task?.[0] ?? '', null);
    actor.now += 5_000;
    fire(actor, 'progress');
    expect(actor.state?.status).toBe('active');
    expect(fire(actor, 'progress').verdicts).toEqual([]);
  });

  it('keeps no trace of bounds where none were said', () => {
    const actor = new TestActor(machine, { registry });
    actor.start();
    const batch = actor.send('both');
    expect(actor.state).not.toHaveProperty('bounds');
    expect(effectsOf(batch, 'startChild')[0]).not.toHaveProperty('bounds');
  });
});

interface Node {
  readonly actor: TestActor;
  readonly parent?: { readonly node: Node; readonly execution: string };
}

describe('a tree of actors', () => {
  it('never asks for more tasks than its root was given, whatever it does', () => {
    const steps = fc.array(
      fc.tuple(fc.nat(), fc.constantFrom('task', 'fan', 'child', 'children', 'both', 'finish')),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), steps, (tasks, each) => {
        const nodes: Node[] = [{ actor: begun({ tasks }) }];
        let asked = 0;
        for (const [pick, type] of each) {
          const node = nodes[pick % nodes.length] as Node;
          if (node.actor.state?.status !== 'active') continue;
          const batch = node.actor.send(type);
          asked += effectsOf(batch, 'task').length;
          asked += effectsOf(batch, 'scatter').reduce((sum, { total }) => sum + total, 0);
          for (const { bounds, execution } of effectsOf(batch, 'startChild')) {
            const child = begun(bounds ?? {}, { parent });
            nodes.push({ actor: child, parent: { node, execution } });
          }
          for (const { outcome, tasksLeft } of effectsOf(batch, 'reply')) {
            const input = {
              kind: 'reply',
              execution: node.parent?.execution ?? '',
              outcome,
              ...(tasksLeft === undefined ? {} : { tasksLeft }),
            } as const;
            node.parent?.node.actor.take(input);
          }
          const left = nodes
            .map(({ actor }) => actor.state as CoreState)
            .filter(({ status }) => status === 'active')
            .reduce((sum, { bounds }) => sum + (bounds?.tasks ?? 0), 0);
          expect(asked + left).toBeLessThanOrEqual(tasks);
        }
        expect(asked).toBeLessThanOrEqual(tasks);
      }),
      { numRuns: 60 },
    );
  });
});

// One timer for all deadlines of an actor (I11).
import { describe, expect, it } from 'vitest';
import { assign, enqueueActions, setup, spawnChild, stopChild } from 'xstate';
import { agent } from '../../../../src/machines/agent.ts';
import { effectsOf, holdings, NOTHING, NOW, TestActor } from './turns.ts';

const machine = setup({
  types: { context: {} as { late: string[] } },
  actors: { slow: agent<null, null>(), quick: agent<null, null>() },
}).createMachine({
  context: { late: [] },
  initial: 'open',
  on: {
    'xstate.error.actor.*': {
      actions: assign({
        late: ({ context, event }) => {
          const id = event.type.split('.').at(-1) ?? '';
          if (id === 'bad') throw new Error('on purpose');
          return [...context.late, id];
        },
      }),
    },
  },
  states: {
    open: {
      on: {
        ask: {
          actions: enqueueActions(({ enqueue, event }) => {
            enqueue.spawnChild(event['agent'] as 'slow' | 'quick', {
              id: event['id'] as string,
              input: null,
            });
          }),
        },
        fleeting: { actions: [spawnChild('quick', { id: 'brief', input: null }), stopChild('brief')] },
        finish: 'end',
      },
    },
    end: { type: 'final' },
  },
});

function asking(...asked: readonly (readonly ['slow' | 'quick', string])[]): TestActor {
  const actor = new TestActor(machine, {
    registry: { agents: { slow: { deadlineMs: 5_000 }, quick: { deadlineMs: 1_000 } }, machines: {} },
  });
  actor.start();
  for (const [name, id] of asked) actor.send('ask', { agent: name, id });
  return actor;
}

const watches = (actor: TestActor): number[] =>
  Object.values(actor.state?.timers ?? {}).flatMap(({ dueAt, what }) =>
    what.kind === 'deadlines' ? [dueAt] : [],
  );

describe('the timer of deadlines', () => {
  it('is set with the first task, and neither set nor taken back for those within its time', () => {
    const actor = asking(['quick', 'a']);
    expect(watches(actor)).toEqual([NOW + 1_000]);
    actor.now += 10;
    const kinds = [
      actor.send('ask', { agent: 'slow', id: 'b' }),
      actor.reply('2.0', null),
      actor.send('ask', { agent: 'quick', id: 'c' }),
      actor.reply('3.0', null),
    ].flatMap(({ effects }) => effects.map(({ effect }) => effect.kind));
    expect(kinds).toEqual(['task', 'task']);
    expect(watches(actor)).toEqual([NOW + 1_000]);
  });

  it('comes forward for a task that may take less', () => {
    const actor = asking(['slow', 'a']);
    const batch = actor.send('ask', { agent: 'quick', id: 'b' });
    expect(effectsOf(batch, 'cancelTimer')).toEqual([{ kind: 'cancelTimer', token: 't2.0' }]);
    expect(effectsOf(batch, 'timer')).toEqual([{ kind: 'timer', token: 't3.0', dueAt: NOW + 1_000 }]);
    expect(watches(actor)).toEqual([NOW + 1_000]);
  });

  it('tells of all that are late, and goes on to the next', () => {
    const actor = asking(['quick', 'a'], ['slow', 'b'], ['quick', 'c']);
    actor.now += 1_000;
    actor.passDeadline();
    expect(actor.context.late).toEqual(['a', 'c']);
    expect(watches(actor)).toEqual([NOW + 5_000]);
    actor.now += 4_000;
    actor.passDeadline();
    expect(actor.context.late).toEqual(['a', 'c', 'b']);
    expect(watches(actor)).toEqual([]);
  });

  it('finds nothing where all were answered in time', () => {
    const actor = asking(['quick', 'a'], ['slow', 'b']);
    actor.reply('2.0', null);
    actor.now += 1_000;
    actor.passDeadline();
    expect(actor.context.late).toEqual([]);
    expect(watches(actor)).toEqual([NOW + 5_000]);
    actor.reply('3.0', null);
    actor.now += 4_000;
    actor.passDeadline();
    expect(holdings(actor.state)).toMatchObject({ executions: [], timers: [] });
  });

  it('tells of each in a turn of its own: when the machine throws at one, the actor ends with those before it told', () => {
    const actor = asking(['quick', 'a'], ['quick', 'bad'], ['quick', 'c']);
    actor.now += 1_000;
    expect(actor.passDeadline().verdicts).toMatchObject([
      { kind: 'applied' },
      { kind: 'applied', failure: { code: 'MACHINE_THREW' } },
      { kind: 'stale' },
    ]);
    expect(actor.context.late).toEqual(['a']);
    expect(actor.state).toMatchObject({ status: 'error', error: { code: 'MACHINE_THREW' } });
    expect(holdings(actor.state)).toEqual(NOTHING);
  });

  it('goes by the broker that sent it where this clock is behind', () => {
    const actor = asking(['quick', 'a']);
    actor.now += 400;
    actor.passDeadline();
    expect(actor.context.late).toEqual(['a']);
  });

  it('never leaves for a task that is stopped in the turn that starts it, and stays for the others', () => {
    const actor = asking(['slow', 'a']);
    expect(effectsOf(actor.send('fleeting'), 'task')).toEqual([]);
    expect(watches(actor)).toEqual([NOW + 5_000]);
  });

  it('is not relied on when its message never came', () => {
    const actor = asking(['quick', 'a']);
    actor.now += 61_000;
    actor.send('ask', { agent: 'quick', id: 'b' });
    expect(watches(actor)).toEqual([NOW + 1_000, NOW + 62_000]);
    actor.now += 1_000;
    actor.take({ kind: 'timer', token: 't3.0' });
    actor.passDeadline();
    expect(actor.context.late).toEqual(['a', 'b']);
  });

  it('is taken back with the end', () => {
    const actor = asking(['slow', 'a'], ['slow', 'b']);
    expect(effectsOf(actor.send('finish'), 'cancelTimer')).toHaveLength(1);
    expect(holdings(actor.state)).toEqual(NOTHING);
  });
});

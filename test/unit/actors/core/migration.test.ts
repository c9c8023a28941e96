// What runs when a state is renamed follows it, is let go of, or is named: never does an actor wait for what it cannot hear.
import { describe, expect, it } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { sendTo, setup, spawnChild } from 'xstate';
import { keepState, migrateState } from '../../../../src/actors/core/migration.ts';
import type { Migration } from '../../../../src/contract/config.ts';
import type { Json } from '../../../../src/contract/json.ts';
import { agent } from '../../../../src/machines/agent.ts';
import { scatter } from '../../../../src/machines/scatter.ts';
import { holdings, request, TestActor, throughJson } from './turns.ts';

const child = setup({}).createMachine({ id: 'child' });
const registry = { agents: { a: { deadlineMs: 60_000 } }, machines: { 'order.child': true as const } };

const KINDS: Record<string, { readonly config: object; readonly name: string }> = {
  'an after timer': { config: { after: { 1000: 'end' } }, name: 'old' },
  'an agent': { config: { invoke: { src: 'a', input: null, onDone: 'end' } }, name: 'old' },
  'a child machine': { config: { invoke: { src: 'child', onDone: 'end' } }, name: 'old' },
  'a scatter': {
    config: {
      invoke: {
        src: 'gather',
        input: { agents: ['a'], items: [1], policy: { kind: 'all' }, collect: 'values' },
        onDone: 'end',
      },
    },
    name: 'old',
  },
};

function machineWith(state: string, config: object): AnyStateMachine {
  return setup({ actors: { a: agent(), child, gather: scatter() } }).createMachine({
    id: 'order',
    initial: state,
    states: { [state]: config, end: {} },
  } as never) as never;
}

function started(config: object): TestActor {
  const actor = new TestActor(machineWith('old', config), { registry });
  expect(actor.start().verdicts).toEqual([{ kind: 'applied' }]);
  return actor;
}

function moved(
  actor: TestActor,
  machine: AnyStateMachine,
  more: Omit<Migration, 'snapshot'>,
  value: Json = 'new',
) {
  const { state } = actor;
  if (state === null) throw new Error('there is no actor');
  const move = (snapshot: Json): Migration => ({ snapshot: { ...(snapshot as object), value }, ...more });
  const result = migrateState(
    machine,
    { ...request({ registry }), state },
    { name: 'move', from: '1', move },
  );
  const next = new TestActor(machine, { registry });
  next.state = throughJson(result.state);
  return { next, kinds: result.effects.map(({ effect }) => effect.kind) };
}

describe.each(Object.entries(KINDS))('%s of a renamed state', (_what, { config, name }) => {
  const machine = machineWith('new', config);

  it('is named where nothing is said of it', () => {
    expect(() => moved(started(config), machine, {})).toThrow(
      expect.objectContaining({
        code: 'STATE_INCOMPATIBLE',
        message: expect.stringContaining(`renamed: { '${name}':`),
      }),
    );
  });

  it('is taken after the migration that says how', () => {
    const { next, kinds } = moved(started(config), machine, { renamed: { old: 'new' } });
    expect(kinds).toEqual([]);
    const { executions = {}, timers = {} } = next.state ?? {};
    const [execution] = Object.entries(executions);
    const [token = ''] = Object.keys(timers);
    if (execution === undefined) next.take({ kind: 'timer', token });
    else
      next.take({
        kind: 'reply',
        execution: execution[0],
        ...(execution[1].kind === 'scatter' ? { branch: 0 } : {}),
        outcome: { status: 'done', output: 1 },
      });
    expect(next.value).toBe('end');
  });

  it('is let go of where it is dropped', () => {
    const actor = started(config);
    const { next, kinds } = moved(actor, machine, { dropped: ['old'] });
    expect(holdings(next.state)).toMatchObject({ executions: [], children: [] });
    expect(kinds).toEqual(
      'after' in config ? ['cancelTimer'] : config === KINDS['a child machine']?.config ? ['stopChild'] : [],
    );
  });
});

describe('a child with a name', () => {
  it('that a state invokes is named when the machine has another name for it', () => {
    const config = (id: string) => ({ invoke: { id, src: 'a', input: null, onDone: 'end' } });
    const machine = machineWith('old', config('load'));
    const actor = started(config('fetch'));
    expect(() => moved(actor, machine, {}, 'old')).toThrow(/'a', running as 'fetch'.*dropped: \['fetch'\]/);
    const { next } = moved(actor, machine, { renamed: { fetch: 'load' } }, 'old');
    next.reply('1.0', 1);
    expect(next.value).toBe('end');
  });

  it('that was spawned stays as it is', () => {
    const config = {
      entry: spawnChild('child' as never, { id: 'kid' }),
      on: { go: { actions: sendTo('kid', { type: 'hi' }) } },
    };
    const { next } = moved(started(config), machineWith('new', config), {});
    expect(next.send('go').effects).toMatchObject([{ effect: { kind: 'send' } }]);
  });
});

it('refuses a new name that the machine does not have', () => {
  const config = { after: { 1000: 'end' } };
  expect(() => moved(started(config), machineWith('new', config), { renamed: { old: 'nowhere' } })).toThrow(
    expect.objectContaining({ code: 'MIGRATION_FAILED', message: expect.stringContaining("'nowhere'") }),
  );
});

function kept(actor: TestActor, machine: AnyStateMachine): TestActor {
  const { state } = actor;
  if (state === null) throw new Error('there is no actor');
  const { machine: ref, ...rest } = request({ registry });
  const result = keepState(machine, { ...rest, machine: { ...ref, version: '2' }, state }, '1');
  expect(result).toEqual({ state, effects: [] });
  const next = new TestActor(machine, { registry });
  next.state = throughJson(result.state);
  return next;
}

describe('a new version without a migration', () => {
  it.each(Object.entries(KINDS))('keeps %s that it has as well', (_what, { config }) => {
    const next = kept(started(config), machineWith('old', { ...config, on: { go: 'end' } }));
    expect(next.send('go').verdicts).toEqual([{ kind: 'applied' }]);
    expect(next.value).toBe('end');
  });

  it.each(Object.entries(KINDS))('is refused where it has lost %s', (_what, { config, name }) => {
    for (const states of [
      { on: { go: 'end' } },
      { after: { 2000: 'end' }, invoke: { src: 'other', id: 'x' } },
    ])
      expect(() => kept(started(config), machineWith('old', states))).toThrow(
        expect.objectContaining({
          code: 'STATE_INCOMPATIBLE',
          message: expect.stringMatching(
            new RegExp(
              `^version 2 of machine \\w+, without a migrate from version 1, would lose .*dropped: \\['${name}'`,
            ),
          ),
        }),
      );
  });

  it('is refused where the state itself is gone', () => {
    expect(() => kept(started({}), machineWith('new', {}))).toThrow(
      expect.objectContaining({
        code: 'STATE_INCOMPATIBLE',
        message: expect.stringContaining('does not fit'),
      }),
    );
  });
});

describe('states in states', () => {
  /** Two regions with what runs in each, a child with a name and one without. */
  const deep = (region: string, inner: string, more: object = {}): AnyStateMachine =>
    setup({ actors: { a: agent(), child } }).createMachine({
      id: 'order',
      type: 'parallel',
      entry: [spawnChild('child', { id: 'kid' }), spawnChild('child')],
      states: {
        left: { initial: 'on', states: { on: { after: { 1000: 'off' } }, off: {} } },
        [region]: {
          initial: inner,
          states: {
            [inner]: { invoke: { src: 'a', input: null, onDone: 'end' }, after: { 5000: 'end' } },
            end: {},
          },
        },
      },
      on: { tell: { actions: sendTo('kid', { type: 'hi' }) } },
      ...more,
    } as never) as never;
  const begun = (): TestActor => {
    const actor = new TestActor(deep('right', 'busy'), { registry });
    expect(actor.start().verdicts).toEqual([{ kind: 'applied' }]);
    return actor;
  };
  const renamed = { 'right.busy': 'flow.wait' };
  const to = deep('flow', 'wait');
  const move = (more: Omit<Migration, 'snapshot'>) => moved(begun(), to, more, { left: 'on', flow: 'wait' });

  it('are carried over by their paths, beside what keeps its name, and all children', () => {
    const { next, kinds } = move({ renamed });
    expect(kinds).toEqual([]);
    expect(Object.keys(next.state?.executions ?? {})).toHaveLength(3);
    const [agentId = ''] =
      Object.entries(next.state?.executions ?? {}).find(([, { src }]) => src === 'a') ?? [];
    next.reply(agentId, 1);
    expect(next.value).toEqual({ left: 'on', flow: 'end' });
    for (const token of Object.keys(next.state?.timers ?? {})) next.take({ kind: 'timer', token });
    expect(next.value).toEqual({ left: 'off', flow: 'end' });
    expect(next.send('tell').effects).toMatchObject([{ effect: { kind: 'send' } }]);
  });

  it('are let go of by their paths, and nothing else is', () => {
    const { next, kinds } = move({ dropped: ['right'] });
    expect(kinds).toEqual(['cancelTimer']);
    const { executions = {}, timers = {} } = next.state ?? {};
    expect(Object.values(executions).map(({ src }) => src)).toEqual(['child', 'child']);
    expect(Object.values(timers).map(({ what }) => what.kind)).toContain('raise');
  });

  it('that nothing is said of are named, each of them', () => {
    expect(() => move({})).toThrow(/'a', running as '0\.order\.right\.busy' and timer '\S+right\.busy'/);
  });
});

describe('a question of a renamed state', () => {
  const config = {
    meta: { ask: { question: 'Go?', deadlineMs: 1_000, default: 'no' } },
    on: { answer: 'end' },
  };
  const machine = machineWith('new', config);
  const answer = {
    kind: 'respond',
    value: 'yes',
    asker: { entity: 'replies', sessionId: 's', correlationId: 'c' },
  };

  it('is kept by the migration that says how, with its deadline', () => {
    const before = started(config);
    const { next } = moved(before, machine, { renamed: { old: 'new' } });
    expect(Object.keys(next.state?.asks?.open ?? {})).toEqual(Object.keys(before.state?.asks?.open ?? {}));
    expect(Object.keys(next.state?.timers ?? {})).toHaveLength(1);
    expect(next.take(answer as never).verdicts).toEqual([{ kind: 'applied' }]);
    expect(next.value).toBe('end');
    expect(next.state?.timers).toEqual({});
  });

  it('is withdrawn by one that lets go of its state, and at the next turn by one that says nothing', () => {
    const { next, kinds } = moved(started(config), machine, { dropped: ['old'] });
    expect(kinds).toEqual(['cancelTimer']);
    expect(next.state?.asks).toMatchObject({ open: {}, closed: [{ how: 'left' }] });
    const { next: silent } = moved(started(config), machine, {}, 'end');
    silent.send('x');
    expect(silent.state?.asks).toMatchObject({ open: {}, closed: [{ how: 'left' }] });
  });
});

// What runs when a state is renamed follows it, is let go of, or is named: never does an actor wait for what it cannot hear.
import { describe, expect, it } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { sendTo, setup, spawnChild } from 'xstate';
import { migrateState } from '../../../../src/actors/core/migration.ts';
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

function moved(actor: TestActor, machine: AnyStateMachine, more: Omit<Migration, 'snapshot'>, value = 'new') {
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

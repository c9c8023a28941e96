import { describe, expect, it } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import {
  assign,
  createMachine,
  enqueueActions,
  fromCallback,
  fromPromise,
  raise,
  setup,
  spawnChild,
} from 'xstate';
import { describeMachine } from '../../../../src/actors/core/describe.ts';
import { INERT_LOGIC } from '../../../../src/actors/core/scope.ts';
import { SCATTER_LOGIC } from '../../../../src/contract/scatter.ts';
import { first } from '../../../../src/machines/policies.ts';
import { scatterGather } from '../../../../src/machines/scatter-gather.ts';
import { counter } from '../../../fixtures/machines/counter.ts';

const ref = { type: 'order', module: 'file:///order.ts', export: 'order', version: '3', path: [] };

describe('describeMachine', () => {
  const machine = setup({
    types: { context: {} as { n: number } },
    actors: {
      own: fromPromise(async () => null),
      fan: Object.assign({ ...INERT_LOGIC }, { [SCATTER_LOGIC]: true }),
      tally: counter,
      listen: fromCallback(() => {}),
    },
    actions: { note: () => {}, begin: spawnChild('model' as never) },
    guards: { ready: () => true },
  }).createMachine({
    id: 'order',
    context: () => ({ n: 0 }),
    initial: 'a',
    entry: ['note', assign({ n: 1 }), raise({ type: 'x' }), enqueueActions(() => {})],
    states: {
      a: {
        invoke: { src: 'own', input: () => null, onDone: 'b' },
        on: { go: { target: 'b', guard: 'ready', actions: ['note', 'begin'] }, 'item.*': 'b' },
        after: { 100: 'b' },
      },
      b: { type: 'final' },
    },
  });

  it('names events and sources, children included', () => {
    const { events, sources, id } = describeMachine(machine, ref);
    expect(id).toBe('order');
    expect(events).toEqual(['go', 'item.*']);
    expect(Object.fromEntries(sources.map(({ src, kind }) => [src, kind]))).toEqual({
      own: 'promise',
      fan: 'scatter',
      tally: 'machine',
      listen: 'unresolved',
      model: 'unresolved',
    });
    expect(sources.find(({ src }) => src === 'tally')).toMatchObject({
      description: { id: 'counter', machine: { ...ref, type: 'order.tally', path: ['tally'] } },
    });
  });

  it('gives a definition that createMachine takes, with functions by name', () => {
    const { definition } = describeMachine(machine, ref);
    expect(JSON.parse(JSON.stringify(definition))).toEqual(definition);
    expect(definition).toMatchObject({
      entry: ['note', { type: 'xstate.assign' }, { type: 'xstate.raise' }, {}],
    });
    const copy = createMachine(definition as never) as AnyStateMachine;
    expect(Object.keys(copy.states)).toEqual(['a', 'b']);
    expect(new Set(copy.events)).toEqual(new Set(machine.events));
  });

  it('gives a graph for drawing', () => {
    const { graph } = describeMachine(machine, ref);
    expect(graph).toMatchObject({ id: 'order', children: [{ id: 'order.a' }, { id: 'order.b' }] });
    const [a] = (graph as unknown as { children: { edges: { label: { text: string } }[] }[] }).children;
    expect(a?.edges.map(({ label }) => label.text)).toContain('go');
  });
});

describe('what can not be durable is refused, by place and with what to write instead', () => {
  it.each<[string, AnyStateMachine, RegExp]>([
    [
      'entry',
      createMachine({ entry: () => {} }),
      /entry of state '\(root\)' of machine 'order'.*setup\(\{ actions/,
    ],
    [
      'exit',
      createMachine({ initial: 'a', states: { a: { initial: 'b', states: { b: { exit: [() => {}] } } } } }),
      /exit of state 'a.b'/,
    ],
    ['a transition', createMachine({ on: { go: { actions: () => {} } } }), /transition on 'go'/],
    ['always', createMachine({ always: { actions: function shout() {} } }), /'shout'/],
    ['after', createMachine({ after: { 10: { actions: () => {} } } }), /xstate\.after\.10/],
    [
      'onDone of an invoke',
      createMachine({ invoke: { id: 'x', src: 'y', onDone: { actions: () => {} } } }),
      /xstate\.done\.actor\.x/,
    ],
    [
      'an initial transition',
      createMachine({ initial: { target: 'a', actions: () => {} } as never, states: { a: {} } }),
      /initial transition/,
    ],
    [
      'an inline invoke',
      createMachine({ invoke: { src: fromPromise(async () => 1) } }),
      /inline logic.*setup\(\{ actors/,
    ],
    ['an inline spawnChild', createMachine({ entry: spawnChild(counter) }), /spawnChild in entry/],
    [
      'an inline spawnChild behind a name',
      setup({ actions: { begin: spawnChild(counter) } }).createMachine({ entry: 'begin' }),
      /action 'begin'/,
    ],
    [
      'a child machine',
      setup({ actors: { inner: createMachine({ entry: () => {} }) } }).createMachine({}),
      /machine 'order.inner'/,
    ],
  ])('%s', (_name, machine, message) => {
    expect(() => describeMachine(machine, ref)).toThrow(
      expect.objectContaining({ code: 'MACHINE_NOT_DURABLE', message: expect.stringMatching(message) }),
    );
  });
});

describe('a policy that is known before it is invoked', () => {
  const machine = scatterGather({ agents: ['a'], policy: first({ valid: 'isRight' }) });

  it('names a function that the module exports', () => {
    expect(describeMachine(machine, ref, { isRight: () => true }).sources).toMatchObject([
      { kind: 'scatter' },
    ]);
    const parent = setup({ actors: { child: machine } }).createMachine({
      invoke: { src: 'child', input: { items: [] } },
    });
    for (const each of [machine, parent])
      expect(() => describeMachine(each, ref, { isWrong: () => true })).toThrow(
        /the policy of 'quorate.scatter' names 'isRight' as valid, and file:\/\/\/order.ts exports no such function/,
      );
  });
});

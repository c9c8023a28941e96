import { describe, expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import { assign, createMachine, emit, raise, sendTo, setup, spawnChild, stopChild } from 'xstate';
import { mapReferences, standIn } from '../../../../src/actors/core/references.ts';
import type { Json } from '../../../../src/contract/json.ts';
import { effectsOf, TestActor } from './turns.ts';

const registry = { agents: { model: { deadlineMs: 60_000 } }, machines: { printer: true } } as const;
const parent = {
  address: { type: 'boss', id: 'b-1' },
  reply: { entity: 'actor.boss', sessionId: 'b-1', correlationId: '7.0' },
  syncSnapshot: false,
};

describe('mapReferences', () => {
  it('copies along the paths that lead to a reference and shares the rest', () => {
    const given: Json = { a: [{ ref: { xstate$$type: 1, id: 'x' } }, { kept: true }], b: { c: 1 } };
    const before = structuredClone(given);
    const mapped = mapReferences(given, (id) => `<${id}>`) as typeof given;
    expect(mapped).toEqual({ a: [{ ref: '<x>' }, { kept: true }], b: { c: 1 } });
    expect(given).toEqual(before);
    expect((mapped as { b: Json }).b).toBe(given['b']);
    expect(mapReferences({ b: given['b'] ?? null }, () => null)).toEqual({ b: { c: 1 } });
  });

  it('takes nothing else for a reference', () => {
    const given: Json = [{ xstate$$type: 2, id: 'x' }, { id: 'x' }, null, 'xstate$$type'];
    expect(mapReferences(given, () => 'wrong')).toBe(given);
  });
});

it('a stand-in refuses to be sent to by hand, and says what to use', () => {
  expect(() => standIn('gone').send({ type: 'x' })).toThrow(
    expect.objectContaining({ code: 'MACHINE_NOT_DURABLE', message: expect.stringContaining('sendTo()') }),
  );
  expect(standIn('gone').getSnapshot()).toMatchObject({ status: 'stopped' });
});

describe('what leaves an actor names actors by their addresses', () => {
  const machine = setup({
    types: { context: {} as { self: AnyActorRef | null } },
    actions: { tell: (_args, _params: { who: AnyActorRef }) => {} },
  }).createMachine({
    context: { self: null },
    entry: [
      spawnChild('printer' as never, { id: 'print' } as never),
      assign({ self: ({ self }) => self as AnyActorRef }),
    ],
    on: {
      ask: {
        actions: spawnChild(
          'model' as never,
          { id: 'ask', input: ({ self }: { self: AnyActorRef }) => ({ by: [self] }) } as never,
        ),
      },
      tell: { actions: { type: 'tell', params: ({ context }) => ({ who: context.self as AnyActorRef }) } },
      announce: { actions: emit(({ self }) => ({ type: 'here', at: self }) as never) },
      send: {
        actions: sendTo('print', ({ self }) => ({
          type: 'page',
          from: self,
          about: self.getSnapshot().children['print'],
        })),
      },
      later: { actions: sendTo('print', ({ self }) => ({ type: 'page', from: self }), { delay: 5 }) },
      up: {
        actions: sendTo(
          ({ self }) => self._parent as AnyActorRef,
          ({ self }) => ({ type: 'hi', from: self, to: self._parent }),
        ),
      },
      end: { actions: raise({ type: 'finish' }) },
    },
    initial: 'on',
    states: { on: { on: { finish: 'off' } }, off: { type: 'final' } },
    output: ({ self }) => ({ by: self }),
  });
  const me = { type: 'order', id: 'o-1' };

  function started(): { actor: TestActor; child: Json } {
    const actor = new TestActor(machine, { registry });
    const [child] = effectsOf(actor.start(null, { parent }), 'startChild');
    return { actor, child: (child?.address ?? null) as unknown as Json };
  }

  it('input, params, emitted events and events to others', () => {
    const { actor, child } = started();
    expect(effectsOf(actor.send('ask'), 'task')).toMatchObject([{ input: { by: [me] } }]);
    expect(effectsOf(actor.send('tell'), 'action')).toMatchObject([{ params: { who: me } }]);
    expect(effectsOf(actor.send('announce'), 'emit')).toEqual([
      { kind: 'emit', event: { type: 'here', at: me } },
    ]);
    expect(effectsOf(actor.send('send'), 'send')).toEqual([
      { kind: 'send', to: child, event: { type: 'page', from: me, about: child } },
    ]);
    expect(effectsOf(actor.send('up'), 'send')).toEqual([
      { kind: 'send', to: parent.address, event: { type: 'hi', from: me, to: parent.address } },
    ]);
  });

  it('events that wait for a timer, and the output', () => {
    const { actor, child } = started();
    actor.send('later');
    expect(effectsOf(actor.take({ kind: 'timer', token: 't2.0' }), 'send')).toEqual([
      { kind: 'send', to: child, event: { type: 'page', from: me } },
    ]);
    actor.send('end');
    expect(actor.state?.output).toEqual({ by: me });
  });
});

describe('references in a context', () => {
  const machine = setup({
    types: { context: {} as { refs: Record<string, AnyActorRef | undefined> } },
  }).createMachine({
    context: { refs: {} },
    entry: spawnChild('printer' as never, { id: 'print' } as never),
    on: {
      keep: {
        actions: assign({
          refs: ({ self }) => ({
            child: self.getSnapshot().children['print'] as AnyActorRef,
            me: self as AnyActorRef,
            boss: self._parent as AnyActorRef,
          }),
        }),
      },
      stop: { actions: stopChild(({ context }) => context.refs['child'] as AnyActorRef) },
      to: {
        actions: sendTo(({ context, event }) => context.refs[event.who as string] as AnyActorRef, {
          type: 'heard',
        }),
      },
      heard: { actions: emit({ type: 'heard' }) },
      lend: { actions: raise(({ context }) => ({ type: 'back', ref: context.refs['child'] }), { delay: 5 }) },
      back: {
        actions: [
          assign({ refs: ({ event }) => ({ again: event.ref as AnyActorRef }) }),
          sendTo(({ event }) => event.ref as AnyActorRef, { type: 'page' }),
        ],
      },
    },
  });

  function keeping(): TestActor {
    const actor = new TestActor(machine, { registry });
    actor.start(null, { parent });
    actor.send('keep');
    return actor;
  }

  it('of a child, of itself and of the parent come back as what they were', () => {
    const actor = keeping();
    expect(effectsOf(actor.send('to', { who: 'child' }), 'send')).toMatchObject([
      { to: { type: 'printer' } },
    ]);
    expect(effectsOf(actor.send('to', { who: 'boss' }), 'send')).toMatchObject([{ to: parent.address }]);
    expect(effectsOf(actor.send('to', { who: 'me' }), 'emit')).toHaveLength(1);
  });

  it('of a child that is stopped take what is sent to it nowhere, least of all to the sender', () => {
    const actor = keeping();
    expect(effectsOf(actor.send('stop'), 'stopChild')).toHaveLength(1);
    for (let time = 0; time < 2; time += 1) {
      expect(actor.send('to', { who: 'child' }).effects.map(({ effect }) => effect)).toEqual([
        { kind: 'log', label: 'event dropped', value: { event: 'heard', why: "child 'print' has ended" } },
      ]);
    }
    expect(actor.context).toMatchObject({ refs: { child: { xstate$$type: 1, id: 'print' } } });
  });

  it('in an event that the machine sends itself for later are revived with it', () => {
    const actor = keeping();
    actor.send('lend');
    const batch = actor.take({ kind: 'timer', token: 't3.0' });
    expect(effectsOf(batch, 'send')).toMatchObject([{ to: { type: 'printer' }, event: { type: 'page' } }]);
    expect(actor.context).toEqual({ refs: { again: { xstate$$type: 1, id: 'print' } } });
  });
});

describe('a child', () => {
  const asking = createMachine({
    context: ({ self }: { self: AnyActorRef }) => ({ id: self.id, session: self.sessionId }),
    on: { who: { actions: emit(({ self }) => ({ type: 'me', id: self.id })) } },
  });

  it('calls itself what its parent calls it', () => {
    const actor = new TestActor(asking, { registry });
    actor.start(null, { parent: { ...parent, childId: 'helper' } });
    expect(actor.context).toEqual({ id: 'helper', session: 'o-1' });
    expect(effectsOf(actor.send('who'), 'emit')).toEqual([
      { kind: 'emit', event: { type: 'me', id: 'helper' } },
    ]);
  });

  it('of a parent that did not say so calls itself by its address', () => {
    const actor = new TestActor(asking, { registry });
    actor.start(null, { parent });
    expect(actor.context).toEqual({ id: 'o-1', session: 'o-1' });
  });
});

describe('system ids', () => {
  const finding = setup({}).createMachine({
    invoke: [
      { id: 'a', src: 'printer', systemId: 'first' } as never,
      { id: 'b', src: 'printer', systemId: 'second' } as never,
      { id: 'c', src: 'model', systemId: 'task' } as never,
    ],
    on: {
      tell: { actions: sendTo(({ event, system }) => system.get(event.name as string), { type: 'told' }) },
      names: {
        actions: emit(({ system }) => ({ type: 'names', names: Object.keys(system.getAll()) }) as never),
      },
      again: {
        actions: [stopChild('b'), spawnChild('printer' as never, { id: 'd', systemId: 'second' } as never)],
      },
    },
  });
  const system = { elder: { type: 'boss', id: 'b-2' } };

  it('reach children by their own, and others that were there before by the names they were born with', () => {
    const actor = new TestActor(finding, { registry });
    const starts = effectsOf(actor.start(null, { parent: { ...parent, system } }), 'startChild');
    const [first, second] = starts.map(({ address }) => address);
    for (const { system: names } of starts) expect(names).toEqual({ ...system, first, second });
    expect(effectsOf(actor.send('tell', { name: 'second' }), 'send')).toMatchObject([{ to: second }]);
    expect(effectsOf(actor.send('tell', { name: 'elder' }), 'send')).toMatchObject([{ to: system.elder }]);
    expect(effectsOf(actor.send('names'), 'emit')).toMatchObject([
      { event: { names: ['elder', 'first', 'second', 'task'] } },
    ]);
    // Names of Object.prototype are nobody's: as under createActor the event goes to whoever sends to nobody, itself.
    expect(actor.send('tell', { name: 'constructor' })).toMatchObject({
      effects: [],
      verdicts: [{ kind: 'applied' }],
    });
  });

  it('are free again when their actor is stopped, also for the next generation', () => {
    const actor = new TestActor(finding, { registry });
    actor.start();
    const [next] = effectsOf(actor.send('again'), 'startChild');
    expect(effectsOf(actor.send('tell', { name: 'second' }), 'send')).toMatchObject([{ to: next?.address }]);
    expect(next?.system).toMatchObject({ second: next?.address });
  });

  it('twice at once are the machine’s fault', () => {
    const twice = createMachine({
      invoke: [
        { id: 'a', src: 'printer', systemId: 'same' },
        { id: 'b', src: 'printer', systemId: 'same' },
      ],
    });
    expect(new TestActor(twice, { registry }).start().verdicts).toMatchObject([
      { kind: 'rejected', error: { code: 'MACHINE_THREW', message: expect.stringContaining('same') } },
    ]);
  });
});

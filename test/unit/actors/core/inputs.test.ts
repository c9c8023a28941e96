import { describe, expect, it } from 'vitest';
import { assign, createMachine, setup, spawnChild } from 'xstate';
import { counter } from '../../../fixtures/machines/counter.ts';
import { effectsOf, holdings, NOTHING, NOW, TestActor } from './turns.ts';

const asker = { entity: 'replies', sessionId: 'client-1', correlationId: 'r-1' };
const parent = {
  address: { type: 'boss', id: 'b-1' },
  reply: { entity: 'actor.boss', sessionId: 'b-1', correlationId: '7.0' },
  syncSnapshot: false,
};

const streaming = createMachine({
  types: {} as { context: { parts: unknown[]; end: unknown } },
  id: 'streaming',
  context: { parts: [], end: null },
  initial: 'asking',
  states: {
    asking: {
      invoke: {
        id: 'ask',
        src: 'model',
        onDone: { actions: assign({ end: ({ event }) => event.output }) },
        onError: { actions: assign({ end: ({ event }) => event.error }) },
      },
      on: {
        'quorate.partial.ask': {
          actions: assign({
            parts: ({ context, event }) => [...context.parts, [event.seq, event.branch, event.value]],
          }),
        },
      },
    },
  },
});
const model = { registry: { agents: { model: { deadlineMs: 5_000 } }, machines: {} } };

describe('start', () => {
  it('creates the actor with the incarnation and the clock of its request', () => {
    const actor = new TestActor(counter);
    const { verdicts, steps } = actor.start({ from: 3 });
    expect(verdicts).toEqual([{ kind: 'applied' }]);
    expect(actor.state).toMatchObject({ status: 'active', incarnation: 'life-1', turn: 1, startedAt: NOW });
    expect(actor.context).toEqual({ count: 3 });
    expect(steps).toEqual([
      { turn: 1, event: { type: 'xstate.init', input: { from: 3 } }, value: 'counting' },
    ]);
  });

  it('without input gives the machine none, as under createActor', () => {
    const machine = setup({
      types: { context: {} as { n: number }, input: {} as { n: number } | undefined },
    }).createMachine({ context: ({ input: { n } = { n: 5 } }) => ({ n }) });
    const actor = new TestActor(machine);
    actor.start();
    expect(actor.context).toEqual({ n: 5 });
  });

  it('answers exists to a second one, also after the end (I13)', () => {
    const actor = new TestActor(counter);
    actor.start();
    expect(actor.start({ from: 9 }).verdicts).toEqual([{ kind: 'exists' }]);
    actor.send('stop');
    expect(actor.start().verdicts).toEqual([{ kind: 'exists' }]);
    expect(actor.state).toMatchObject({ status: 'done', output: 0, turn: 2 });
  });

  it('is rejected without a trace when the machine throws', () => {
    const broken = createMachine({
      context: () => {
        throw new Error('no context');
      },
    });
    const actor = new TestActor(broken);
    expect(actor.start().verdicts).toEqual([
      { kind: 'rejected', error: { code: 'MACHINE_THREW', message: 'no context', name: 'Error' } },
    ]);
    expect(actor.state).toBeNull();
  });
});

describe('an actor that is not there', () => {
  it('gets unknown for everything but a start, and no state (I13)', () => {
    const actor = new TestActor(counter);
    const { verdicts, effects } = actor.take(
      { kind: 'event', event: { type: 'add', by: 1 } },
      { kind: 'reply', execution: '1.0', outcome: { status: 'done', output: 1 } },
      { kind: 'timer', token: 't1.0' },
      { kind: 'await', asker },
      { kind: 'stop' },
    );
    expect(new Set(verdicts.map(({ kind }) => kind))).toEqual(new Set(['unknown']));
    expect(effects).toEqual([]);
    expect(actor.state).toBeNull();
  });
});

describe('an event that may start its actor', () => {
  const add = { kind: 'event', event: { type: 'add', by: 2 } } as const;
  const starting = (from: number) => ({ ...add, start: { input: { from } } });

  it('starts it and is applied in one turn; later ones are events alone', () => {
    const actor = new TestActor(counter);
    const { verdicts, steps } = actor.take(starting(10), starting(50));
    expect(verdicts).toEqual([{ kind: 'applied' }, { kind: 'applied' }]);
    expect(actor.context).toEqual({ count: 14 });
    expect(actor.state).toMatchObject({ turn: 2, startedAt: NOW });
    expect(steps.map(({ event }) => event.type)).toEqual(['xstate.init', 'add', 'add']);
  });

  it('does as a start and an event would, one after the other', () => {
    const whole = new TestActor(counter);
    const apart = new TestActor(counter);
    whole.take(starting(10));
    apart.start({ from: 10 });
    apart.take(add);
    expect({ ...whole.state, turn: 2 }).toEqual(apart.state);
  });

  it('starts nothing when the machine throws on it, or may not be sent it', () => {
    for (const type of ['explode', 'xstate.init']) {
      const machine = createMachine({
        context: { n: 0 },
        on: {
          explode: {
            actions: assign(() => {
              throw new Error('no');
            }),
          },
        },
      });
      const actor = new TestActor(machine);
      const { verdicts, effects, steps } = actor.take({
        kind: 'event',
        event: { type },
        start: { input: null },
      });
      expect(verdicts).toMatchObject([{ kind: 'rejected' }]);
      expect([actor.state, effects, steps]).toEqual([null, [], []]);
    }
  });

  it('finds nobody when the start alone was the end: that is applied, the event is not', () => {
    const actor = new TestActor(createMachine({ initial: 'done', states: { done: { type: 'final' } } }));
    const { verdicts } = actor.take({ ...add, start: { input: null } });
    expect(verdicts).toMatchObject([{ kind: 'applied', refused: { code: 'ACTOR_ENDED' } }]);
    expect(actor.state?.status).toBe('done');
  });

  it('gives children without names an id each, though they are spawned by the start and by the event', () => {
    const child = createMachine({});
    const machine = setup({ actors: { child } }).createMachine({
      entry: spawnChild('child'),
      on: { more: { actions: spawnChild('child') } },
    });
    const actor = new TestActor(machine, { registry: { agents: {}, machines: { 'order.child': true } } });
    const batch = actor.take({ kind: 'event', event: { type: 'more' }, start: { input: null } });
    expect(batch.verdicts).toEqual([{ kind: 'applied' }]);
    const ids = effectsOf(batch, 'startChild').map(({ childId }) => childId);
    expect(new Set(ids).size).toBe(2);
  });
});

describe('event', () => {
  it('is one turn each', () => {
    const actor = new TestActor(counter);
    actor.start();
    const { steps } = actor.take(
      { kind: 'event', event: { type: 'add', by: 2 } },
      { kind: 'event', event: { type: 'add', by: 5 } },
    );
    expect(actor.context).toEqual({ count: 7 });
    expect(actor.state?.turn).toBe(3);
    expect(steps.map(({ event }) => event)).toEqual([
      { type: 'add', by: 2 },
      { type: 'add', by: 5 },
    ]);
  });

  it('may not pretend to be one of XState', () => {
    const actor = new TestActor(streaming, model);
    actor.start();
    const [verdict] = actor.send('xstate.done.actor.ask', { output: 'forged' }).verdicts;
    expect(verdict).toMatchObject({ kind: 'rejected', error: { code: 'EVENT_RESERVED' } });
    expect(actor.context.end).toBeNull();
  });

  it.each(['xstate.stop', 'xstate.init', 'xstate.after.9.x', 'quorate.partial.ask', 'xstate.'])(
    '%s is refused, and nothing happens',
    (type) => {
      const actor = new TestActor(streaming, model);
      actor.start();
      const before = actor.state;
      expect(actor.send(type)).toMatchObject({
        verdicts: [{ kind: 'rejected', error: { code: 'EVENT_RESERVED' } }],
        effects: [],
        state: before,
      });
    },
  );

  it('whose type only looks reserved is taken', () => {
    const actor = new TestActor(streaming, model);
    actor.start();
    for (const type of ['xstate', 'xstateful.x', 'my.xstate.x']) {
      expect(actor.send(type).verdicts).toEqual([{ kind: 'applied' }]);
    }
  });

  it('is rejected alone when the machine throws, and the batch goes on', () => {
    const actor = new TestActor(counter);
    actor.start();
    const { verdicts, effects } = actor.take(
      { kind: 'event', event: { type: 'add', by: 1 } },
      { kind: 'event', event: { type: 'boom' } },
      { kind: 'event', event: { type: 'add', by: 1 } },
    );
    expect(verdicts.map(({ kind }) => kind)).toEqual(['applied', 'rejected', 'applied']);
    expect(verdicts[1]).toMatchObject({
      error: { code: 'MACHINE_THREW', message: expect.stringContaining('guard exploded') },
    });
    expect(actor.context).toEqual({ count: 2 });
    expect(actor.state?.turn).toBe(3);
    expect(effects).toEqual([]);
  });

  it('gives the very state back when nothing was applied', () => {
    const actor = new TestActor(counter);
    actor.start();
    const before = actor.state;
    const batch = actor.send('boom');
    expect(batch.state).toBe(before);
  });

  it('is rejected when the context can not be written down, and its neighbours are not', () => {
    const machine = setup({ types: { context: {} as { n: unknown } } }).createMachine({
      context: { n: 0 },
      on: {
        big: { actions: assign({ n: () => 1n }) },
        map: { actions: assign({ n: () => new Map() }) },
        one: { actions: assign({ n: 1 }) },
      },
    });
    const actor = new TestActor(machine);
    actor.start();
    const { verdicts } = actor.take(
      { kind: 'event', event: { type: 'big' } },
      { kind: 'event', event: { type: 'one' } },
      { kind: 'event', event: { type: 'map' } },
    );
    expect(verdicts).toMatchObject([
      {
        kind: 'rejected',
        error: { code: 'MACHINE_NOT_DURABLE', message: expect.stringContaining('context.n is a BigInt') },
      },
      { kind: 'applied' },
      {
        kind: 'rejected',
        error: { code: 'MACHINE_NOT_DURABLE', message: expect.stringContaining('context.n is a Map') },
      },
    ]);
    expect(actor.context).toEqual({ n: 1 });
  });

  it('finds nobody when its actor has ended: whoever sent it is to know', () => {
    const actor = new TestActor(counter);
    actor.start();
    const { verdicts } = actor.take(
      { kind: 'event', event: { type: 'stop' } },
      { kind: 'event', event: { type: 'add', by: 1 } },
    );
    const error = { code: 'ACTOR_ENDED', message: 'order/o-1 has ended: done' };
    expect(verdicts).toEqual([{ kind: 'applied' }, { kind: 'ended', error }]);
  });
});

describe('a state of another version', () => {
  it('rejects what needs the machine, says why, and stays as it is', () => {
    const actor = new TestActor(counter);
    actor.start();
    const snapshot = { ...(actor.state?.snapshot as object), value: 'gone' };
    actor.state = { ...actor.state, snapshot } as never;
    const before = actor.state;
    const batch = actor.take(
      { kind: 'event', event: { type: 'add', by: 1 } },
      { kind: 'event', event: { type: 'stop' } },
    );
    for (const verdict of batch.verdicts) {
      expect(verdict).toMatchObject({
        kind: 'rejected',
        error: { code: 'STATE_INCOMPATIBLE', message: expect.stringMatching(/does not fit.*gone/) },
      });
    }
    expect(batch.verdicts).toHaveLength(2);
    expect(batch.state).toBe(before);
  });
});

describe('await', () => {
  it('keeps the asker until the end, once', () => {
    const actor = new TestActor(counter);
    actor.start();
    actor.take({ kind: 'await', asker }, { kind: 'await', asker });
    expect(actor.state?.waiters).toEqual([asker]);
    const { effects } = actor.send('stop');
    expect(effects.map(({ effect }) => effect)).toEqual([
      { kind: 'reply', to: asker, outcome: { status: 'done', output: 0 } },
    ]);
    expect(actor.state?.waiters).toEqual([]);
  });

  it('is answered at once after the end', () => {
    const actor = new TestActor(counter);
    actor.start();
    actor.send('stop');
    const { effects } = actor.take({ kind: 'await', asker });
    expect(effects).toEqual([
      { turn: 3, index: 0, effect: { kind: 'reply', to: asker, outcome: { status: 'done', output: 0 } } },
    ]);
  });
});

describe('the end', () => {
  it('tells the parent', () => {
    const actor = new TestActor(counter);
    actor.start({ from: 4 }, { parent });
    const replies = effectsOf(actor.send('stop'), 'reply');
    expect(replies).toEqual([{ kind: 'reply', to: parent.reply, outcome: { status: 'done', output: 4 } }]);
    expect(actor.state).toMatchObject({ status: 'done', output: 4, endedAt: NOW });
  });

  it('by an error that nothing handles carries its code', () => {
    const machine = createMachine({ invoke: { id: 'ask', src: 'model' } });
    const actor = new TestActor(machine, model);
    actor.start(null, { parent });
    const error = { code: 'NO_CREDIT', message: 'pay first', data: { owed: 3 } };
    const batch = actor.take({ kind: 'reply', execution: '1.0', outcome: { status: 'error', error } });
    expect(actor.state).toMatchObject({ status: 'error', error });
    expect(holdings(actor.state)).toEqual(NOTHING);
    expect(effectsOf(batch, 'reply')).toMatchObject([{ outcome: { status: 'error', error } }]);
    expect(effectsOf(batch, 'cancelTimer')).toHaveLength(1);
  });

  it('that can not be written down did not happen: who waits goes on waiting', () => {
    const machine = createMachine({
      types: {} as { context: { n: unknown } },
      context: { n: 0 },
      initial: 'a',
      states: { a: { on: { go: { target: 'b', actions: assign({ n: () => 1n }) } } }, b: { type: 'final' } },
    });
    const actor = new TestActor(machine);
    actor.start();
    actor.take({ kind: 'await', asker });
    expect(actor.send('go')).toMatchObject({ verdicts: [{ kind: 'rejected' }], effects: [] });
    expect(
      actor.take(
        { kind: 'await', asker: { ...asker, correlationId: 'r-2' } },
        { kind: 'event', event: { type: 'go' } },
      ).verdicts,
    ).toMatchObject([{ kind: 'applied' }, { kind: 'rejected' }]);
    expect(actor.state?.status).toBe('active');
    expect(holdings(actor.state).waiters).toEqual(['r-1', 'r-2']);
  });

  it('by stop lets go of timers and tells who waits', () => {
    const actor = new TestActor(streaming, model);
    actor.start(null, { parent });
    actor.take({ kind: 'await', asker });
    const batch = actor.take({ kind: 'stop' });
    expect(actor.state).toMatchObject({ status: 'stopped', snapshot: { status: 'stopped' } });
    expect(holdings(actor.state)).toEqual(NOTHING);
    expect(effectsOf(batch, 'cancelTimer')).toEqual([{ kind: 'cancelTimer', token: 't1.0' }]);
    expect(
      effectsOf(batch, 'reply').map(({ to, outcome }) => [
        to.correlationId,
        outcome.status === 'error' && outcome.error.code,
      ]),
    ).toEqual([
      ['r-1', 'ACTOR_STOPPED'],
      ['7.0', 'ACTOR_STOPPED'],
    ]);
  });
});

describe('reply', () => {
  it('of a task ends its execution: a second one in the same batch is stale (I9)', () => {
    const actor = new TestActor(streaming, model);
    actor.start();
    const { verdicts, effects } = actor.take(
      { kind: 'reply', execution: '1.0', outcome: { status: 'done', output: 'first' } },
      { kind: 'reply', execution: '1.0', outcome: { status: 'done', output: 'second' } },
    );
    expect(verdicts).toEqual([{ kind: 'applied' }, { kind: 'stale', why: 'execution 1.0 is closed' }]);
    expect(actor.context.end).toBe('first');
    expect(effects).toEqual([]);
  });

  it('of an error reaches the machine as an Error-like object', () => {
    const actor = new TestActor(streaming, model);
    actor.start();
    const error = { code: 'TASK_FAILED', message: 'three times', name: 'TypeError', data: { attempts: 3 } };
    actor.take({ kind: 'reply', execution: '1.0', outcome: { status: 'error', error } });
    expect(actor.context.end).toEqual(error);
  });

  it('of a lapsed offer is an error', () => {
    const actor = new TestActor(streaming, model);
    actor.start();
    actor.take({ kind: 'reply', execution: '1.0', outcome: { status: 'done', output: 1 }, expiresAt: NOW });
    expect(actor.context.end).toMatchObject({ code: 'OFFER_EXPIRED' });
  });

  it('of an offer that is still good is its value', () => {
    const actor = new TestActor(streaming, model);
    actor.start();
    actor.take({
      kind: 'reply',
      execution: '1.0',
      outcome: { status: 'done', output: 1 },
      expiresAt: NOW + 1,
    });
    expect(actor.context.end).toBe(1);
  });
});

describe('partial', () => {
  it('reaches the machine in order: early ones are sent back, repeats dropped', () => {
    const actor = new TestActor(streaming, model);
    actor.start();
    const partial = (seq: number) =>
      ({ kind: 'partial', execution: '1.0', seq, value: `part ${seq}` }) as const;
    const { verdicts } = actor.take(partial(1), partial(0), partial(0), partial(1));
    expect(verdicts).toEqual([
      { kind: 'early', execution: '1.0', branch: 0, seq: 1 },
      { kind: 'applied' },
      { kind: 'stale', why: 'partial 0 of execution 1.0 was applied before' },
      { kind: 'applied' },
    ]);
    expect(actor.context.parts).toEqual([
      [0, 0, 'part 0'],
      [1, 0, 'part 1'],
    ]);
    expect(actor.take({ ...partial(2), execution: '9.9' }).verdicts).toMatchObject([{ kind: 'stale' }]);
  });
});

describe('the bound on effects (I12)', () => {
  it('takes a prefix of the inputs, at least one', () => {
    const logging = new TestActor(streaming, { ...model, maxEffectBytes: 1 });
    logging.start();
    const { verdicts } = logging.take(
      { kind: 'await', asker },
      { kind: 'stop' },
      { kind: 'event', event: { type: 'x' } },
      { kind: 'event', event: { type: 'x' } },
    );
    expect(verdicts.map(({ kind }) => kind)).toEqual(['applied', 'applied']);
  });
});

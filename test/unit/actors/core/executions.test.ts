import { describe, expect, it } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { assign, createMachine, fromCallback, fromPromise, setup, spawnChild } from 'xstate';
import { childActorId } from '../../../../src/actors/core/references.ts';
import { agent } from '../../../../src/machines/agent.ts';
import { counter } from '../../../fixtures/machines/counter.ts';
import { effectsOf, holdings, NOTHING, NOW, TestActor } from './turns.ts';

const registry = { agents: { model: { deadlineMs: 5_000 } }, machines: { printer: true } } as const;

function asking(src: string, actors: Record<string, unknown> = {}): AnyStateMachine {
  return createMachine(
    {
      types: {} as { context: { got: unknown; followed: unknown[] } },
      context: { got: null, followed: [] },
      initial: 'asking',
      states: {
        asking: {
          invoke: {
            id: 'child',
            src,
            input: { n: 1 },
            onDone: { target: 'end', actions: assign({ got: ({ event }) => event.output }) },
            onError: { target: 'end', actions: assign({ got: ({ event }) => event.error }) },
            onSnapshot: {
              actions: assign({ followed: ({ context, event }) => [...context.followed, event.snapshot] }),
            },
          },
        },
        end: {},
      },
    },
    { actors: actors as never },
  );
}

describe('what a source stands for', () => {
  it('an agent: a task with its deadline, and a timer for it (I11)', () => {
    const { effects } = new TestActor(asking('model'), { registry }).start();
    expect(effects.map(({ effect }) => effect)).toEqual([
      { kind: 'task', execution: '1.0', agent: 'model', input: { n: 1 }, deadlineAt: NOW + 5_000 },
      { kind: 'timer', token: 't1.0', dueAt: NOW + 5_000 },
    ]);
  });

  it('an agent also when the machine implements the name', () => {
    const machine = asking('model', { model: fromPromise(async () => null) });
    const [task] = effectsOf(new TestActor(machine, { registry }).start(), 'task');
    expect(task).not.toHaveProperty('logic');
  });

  it('a registered machine: a child of that type, whose id follows from parent, incarnation and execution', () => {
    const [start] = effectsOf(new TestActor(asking('printer'), { registry }).start(), 'startChild');
    const id = childActorId({ type: 'order', id: 'o-1' }, 'life-1', '1.0');
    expect(start).toEqual({
      kind: 'startChild',
      execution: '1.0',
      address: { type: 'printer', id },
      childId: 'child',
      input: { n: 1 },
      syncSnapshot: true,
    });
  });

  it('a machine of its own: a child of type <type>.<src>', () => {
    const [start] = effectsOf(new TestActor(asking('tally', { tally: counter })).start(), 'startChild');
    expect(start?.address.type).toBe('order.tally');
  });

  it('promise logic of its own: a task that names it, with the configured deadline or the default', () => {
    const machine = asking('own', { own: fromPromise(async () => null) });
    const [task] = effectsOf(new TestActor(machine).start(), 'task');
    const logic = { type: 'order', src: 'own' };
    expect(task).toMatchObject({ agent: 'order.own', logic, deadlineAt: NOW + 600_000 });
    const configured = { agents: { 'order.own': { deadlineMs: 7 } }, machines: {} };
    expect(effectsOf(new TestActor(machine, { registry: configured }).start(), 'task')).toMatchObject([
      { logic, deadlineAt: NOW + 7 },
    ]);
  });

  it.each([
    ['nothing at all', 'nobody', {}],
    ['a callback', 'listen', { listen: fromCallback(() => {}) }],
    ['a name of Object.prototype', 'constructor', {}],
  ])('%s: the start is refused', (_name, src, actors) => {
    const actor = new TestActor(asking(src, actors), { registry });
    expect(actor.start().verdicts).toMatchObject([{ kind: 'rejected', error: { code: 'AGENT_NOT_FOUND' } }]);
    expect(actor.state).toBeNull();
  });

  it('an inline logic: refused when it happens', () => {
    const machine = setup({}).createMachine({
      invoke: { src: fromPromise(async () => null) as never } as never,
    });
    expect(new TestActor(machine).start().verdicts).toMatchObject([
      { kind: 'rejected', error: { code: 'MACHINE_NOT_DURABLE' } },
    ]);
  });
});

describe('a deadline', () => {
  it('ends a task with an error; its late answer is stale', () => {
    const actor = new TestActor(asking('model'), { registry });
    actor.start();
    actor.now += 5_000;
    const { effects } = actor.passDeadline();
    expect(actor.context.got).toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      message: "'model', running as 'child', did not answer within 5000 ms",
    });
    expect(effects).toEqual([]);
    expect(actor.reply('1.0', 'late').verdicts).toMatchObject([{ kind: 'stale' }]);
  });

  it('names a machine without an id of its own by its type', () => {
    const nameless = setup({
      types: { context: {} as { got: unknown } },
      actors: { model: agent<string, null>() },
    }).createMachine({
      context: { got: null },
      initial: 'busy',
      states: {
        busy: {
          invoke: {
            src: 'model',
            input: null,
            onError: { actions: assign({ got: ({ event }) => event.error }) },
          },
        },
      },
    });
    const actor = new TestActor(nameless, { registry });
    actor.start();
    actor.now += 5_000;
    actor.passDeadline();
    expect(actor.context.got).toMatchObject({
      message: expect.stringContaining("running as '0.order.busy'"),
    });
  });

  it('is none of a child machine, which may live for months', () => {
    const actor = new TestActor(asking('printer'), { registry });
    actor.start();
    expect(actor.state?.timers).toEqual({});
  });
});

describe('a child machine', () => {
  it('ends with its reply', () => {
    const actor = new TestActor(asking('printer'), { registry });
    actor.start();
    actor.reply('1.0', { pages: 3 });
    expect(actor.context.got).toEqual({ pages: 3 });
    expect(actor.value).toBe('end');
    expect(holdings(actor.state)).toEqual(NOTHING);
  });

  it('is followed by its snapshots only if the machine asked for them', () => {
    const actor = new TestActor(asking('printer'), { registry });
    actor.start();
    actor.take({ kind: 'childSnapshot', execution: '1.0', snapshot: { value: 'inking' } });
    expect(actor.context.followed).toEqual([{ value: 'inking' }]);
    const deaf = new TestActor(createMachine({ invoke: { id: 'child', src: 'printer' } }), { registry });
    deaf.start();
    expect(deaf.take({ kind: 'childSnapshot', execution: '1.0', snapshot: {} }).verdicts).toMatchObject([
      { kind: 'stale' },
    ]);
  });

  it('is stopped when its parent ends', () => {
    const machine = createMachine({
      initial: 'a',
      invoke: { src: 'printer' },
      states: { a: { on: { go: 'b' } }, b: { type: 'final' } },
    });
    const actor = new TestActor(machine, { registry });
    const [start] = effectsOf(actor.start(), 'startChild');
    expect(effectsOf(actor.send('go'), 'stopChild')).toEqual([
      { kind: 'stopChild', execution: '1.0', address: start?.address },
    ]);
    expect(actor.state).toMatchObject({ status: 'done' });
    expect(holdings(actor.state)).toEqual(NOTHING);
  });
});

describe('the snapshot of a followed child', () => {
  it('can be asked as one of XState, and is kept as data', () => {
    const machine = createMachine({
      types: {} as { context: { last: unknown; inking: boolean; busy: boolean } },
      context: { last: null, inking: false, busy: false },
      invoke: {
        id: 'print',
        src: 'printer',
        onSnapshot: {
          actions: assign({
            last: ({ event }) => event.snapshot,
            inking: ({ event }) => event.snapshot.matches({ on: 'inking' }),
            busy: ({ event }) => event.snapshot.hasTag('busy'),
          }),
        },
      },
    });
    const actor = new TestActor(machine, { registry });
    actor.start();
    const snapshot = { status: 'active', value: { on: 'inking' }, context: { pages: 1 }, tags: ['busy'] };
    actor.take({ kind: 'childSnapshot', execution: '1.0', snapshot });
    expect(actor.context).toEqual({ last: snapshot, inking: true, busy: true });
  });

  it('names its actors by their addresses: the child’s references mean nothing to the parent', () => {
    const machine = createMachine({
      types: {} as { context: { mine: unknown; lost: unknown } },
      context: { mine: null, lost: null },
      entry: [spawnChild('printer', { id: 'print' }), spawnChild('model', { id: 'ask' })],
      on: {
        keep: {
          actions: assign({
            mine: ({ self }) => self.getSnapshot().children.print,
            lost: ({ self }) => self.getSnapshot().children.ask,
          }),
        },
      },
    });
    const reply = { entity: 'actor.boss', sessionId: 'b-1', correlationId: '7.0' };
    const actor = new TestActor(machine, { registry });
    actor.start(null, { parent: { address: { type: 'boss', id: 'b-1' }, reply, syncSnapshot: true } });
    expect(effectsOf(actor.send('keep'), 'snapshot')).toMatchObject([
      {
        snapshot: { context: { mine: { type: 'printer', id: expect.stringMatching(/^o-1~/) }, lost: null } },
      },
    ]);
    expect(actor.context.mine).toEqual({ xstate$$type: 1, id: 'print' });
  });
});

describe('syncSnapshot', () => {
  const parent = {
    address: { type: 'boss', id: 'b-1' },
    reply: { entity: 'actor.boss', sessionId: 'b-1', correlationId: '7.0' },
    syncSnapshot: true,
  };

  it('sends the latest snapshot once a batch, and none at the end', () => {
    const actor = new TestActor(counter);
    expect(effectsOf(actor.start(null, { parent }), 'snapshot')).toHaveLength(1);
    const add = { kind: 'event', event: { type: 'add', by: 1 } } as const;
    expect(actor.take(add, add, add).effects).toEqual([
      {
        turn: 4,
        index: 0,
        effect: {
          kind: 'snapshot',
          to: parent.reply,
          snapshot: { status: 'active', value: 'counting', context: { count: 3 }, tags: [] },
        },
      },
    ]);
    expect(effectsOf(actor.send('boom'), 'snapshot')).toEqual([]);
    expect(effectsOf(actor.send('stop'), 'snapshot')).toEqual([]);
  });
});

describe('childActorId', () => {
  it('fits a session id and differs by parent, incarnation and execution', () => {
    const long = { type: 'order', id: 'x'.repeat(128) };
    const ids = [
      childActorId(long, 'life-1', '1.0'),
      childActorId(long, 'life-2', '1.0'),
      childActorId(long, 'life-1', '1.1'),
      childActorId({ ...long, type: 'offer' }, 'life-1', '1.0'),
    ];
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id.length).toBeLessThanOrEqual(128);
    expect(childActorId(long, 'life-1', '1.0')).toBe(ids[0]);
  });
});

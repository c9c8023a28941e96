import { describe, expect, it } from 'vitest';
import {
  assign,
  cancel,
  createMachine,
  emit,
  enqueueActions,
  forwardTo,
  fromPromise,
  log,
  raise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  stopChild,
} from 'xstate';
import { effectsOf, holdings, NOTHING, NOW, TestActor } from './turns.ts';

const agents = {
  registry: { agents: { model: { deadlineMs: 60_000 } }, machines: { printer: true } },
} as const;

function started(machine: ConstructorParameters<typeof TestActor>[0], over = {}): TestActor {
  const actor = new TestActor(machine, { ...agents, ...over });
  const { verdicts } = actor.start();
  expect(verdicts).toEqual([{ kind: 'applied' }]);
  return actor;
}

describe('raise', () => {
  it('without delay is consumed inside the turn and leaves no effect', () => {
    const machine = createMachine({
      initial: 'a',
      states: { a: { on: { go: { actions: raise({ type: 'next' }) }, next: 'b' } }, b: {} },
    });
    const actor = started(machine);
    const { effects, steps } = actor.send('go');
    expect(effects).toEqual([]);
    expect(steps).toHaveLength(1);
    expect(actor.value).toBe('b');
  });

  it('with delay is a timer; its event comes when the token fires, once', () => {
    const machine = createMachine({
      initial: 'a',
      states: { a: { on: { go: { actions: raise({ type: 'next' }, { delay: 250 }) }, next: 'b' } }, b: {} },
    });
    const actor = started(machine);
    expect(actor.send('go').effects).toEqual([
      { turn: 2, index: 0, effect: { kind: 'timer', token: 't2.0', dueAt: NOW + 250 } },
    ]);
    const { verdicts } = actor.take({ kind: 'timer', token: 't2.0' }, { kind: 'timer', token: 't2.0' });
    expect(verdicts.map(({ kind }) => kind)).toEqual(['applied', 'stale']);
    expect(actor.value).toBe('b');
  });

  it('twice without an id are two timers: cancelling one name touches neither', () => {
    const machine = createMachine({
      on: {
        go: { actions: [raise({ type: 'x' }, { delay: 10 }), raise({ type: 'y' }, { delay: 10 })] },
        named: { actions: raise({ type: 'z' }, { delay: 10, id: 'zed' }) },
        undo: { actions: [cancel('zed'), cancel('')] },
      },
    });
    const actor = started(machine);
    actor.send('go');
    actor.send('named');
    expect(Object.keys(actor.state?.timers ?? {})).toEqual(['t2.0', 't2.1', 't3.0']);
    expect(effectsOf(actor.send('undo'), 'cancelTimer')).toEqual([{ kind: 'cancelTimer', token: 't3.0' }]);
    expect(Object.keys(actor.state?.timers ?? {})).toEqual(['t2.0', 't2.1']);
  });

  it('with an impossible delay is the fault of the machine', () => {
    const machine = createMachine({
      on: { go: { actions: raise({ type: 'x' }, { delay: Infinity }) } },
    });
    expect(started(machine).send('go').verdicts).toMatchObject([
      { kind: 'rejected', error: { code: 'MACHINE_THREW' } },
    ]);
  });
});

describe('after', () => {
  const machine = setup({
    delays: { patience: ({ context }: { context: { ms: number } }) => context.ms },
  }).createMachine({
    context: { ms: 1_500 },
    initial: 'a',
    states: {
      a: { after: { patience: 'late' }, on: { leave: 'b', hop: 'transient' } },
      b: {},
      late: {},
      transient: { after: { 100: 'late' }, always: 'b' },
    },
  });

  it('is a timer that leaving its state cancels', () => {
    const actor = started(machine);
    expect(actor.state?.timers).toMatchObject({ 't1.0': { dueAt: NOW + 1_500, what: { kind: 'raise' } } });
    expect(effectsOf(actor.send('leave'), 'cancelTimer')).toEqual([{ kind: 'cancelTimer', token: 't1.0' }]);
    expect(actor.state?.timers).toEqual({});
    expect(actor.take({ kind: 'timer', token: 't1.0' }).verdicts).toMatchObject([{ kind: 'stale' }]);
    expect(actor.value).toBe('b');
  });

  it('fires into its transition', () => {
    const actor = started(machine);
    actor.take({ kind: 'timer', token: 't1.0' });
    expect(actor.value).toBe('late');
  });

  it('of a state that is left in the same turn never leaves the turn', () => {
    const { effects } = started(machine).send('hop');
    expect(effects.map(({ effect }) => effect.kind)).toEqual(['cancelTimer']);
  });
});

describe('sendTo', () => {
  const machine = createMachine({
    invoke: [
      { id: 'print', src: 'printer' },
      { id: 'ask', src: 'model' },
    ],
    on: {
      print: { actions: sendTo('print', { type: 'page', n: 1 }) },
      later: { actions: sendTo('print', { type: 'page', n: 2 }, { delay: 40, id: 'later' }) },
      ask: { actions: sendTo('ask', { type: 'page' }) },
      up: { actions: sendParent({ type: 'progress' }) },
      me: { actions: sendTo(({ self }) => self, { type: 'print' }) },
      meLater: { actions: sendTo(({ self }) => self, { type: 'print' }, { delay: 5 }) },
      loop: { actions: sendTo(({ self }) => self, { type: 'loop' }) },
      peer: { actions: sendTo(() => ({ type: 'store', id: 's-9' }) as never, { type: 'deposit' } as never) },
    },
  });
  const parent = {
    address: { type: 'boss', id: 'b-1' },
    reply: { entity: 'actor.boss', sessionId: 'b-1', correlationId: '7.0' },
    syncSnapshot: false,
  };

  it('a child machine is a message to its session', () => {
    const actor = started(machine);
    const child = Object.values(actor.state?.executions ?? {}).find(({ kind }) => kind === 'child');
    const to = child?.kind === 'child' ? child.address : undefined;
    expect(to).toMatchObject({ type: 'printer', id: expect.stringMatching(/^o-1~/) });
    expect(effectsOf(actor.send('print'), 'send')).toEqual([
      { kind: 'send', to, event: { type: 'page', n: 1 } },
    ]);
  });

  it('with delay is an own timer, then the message', () => {
    const actor = started(machine);
    expect(effectsOf(actor.send('later'), 'timer')).toEqual([
      { kind: 'timer', token: 't2.0', dueAt: NOW + 40 },
    ]);
    const batch = actor.take({ kind: 'timer', token: 't2.0' });
    expect(effectsOf(batch, 'send')).toMatchObject([{ event: { type: 'page', n: 2 } }]);
    expect(batch.steps).toEqual([]);
  });

  it('a child that the same turn starts follows its start', () => {
    const eager = createMachine({
      entry: sendTo('print', { type: 'page', n: 0 }),
      invoke: { id: 'print', src: 'printer' },
    });
    const { effects } = new TestActor(eager, agents).start();
    expect(effects.map(({ effect }) => effect)).toMatchObject([
      { kind: 'startChild' },
      { kind: 'send', event: { type: 'page', n: 0 } },
    ]);
  });

  it('a task is dropped and logged: tasks take no events', () => {
    const { effects } = started(machine).send('ask');
    expect(effects.map(({ effect }) => effect)).toEqual([
      {
        kind: 'log',
        label: 'event dropped',
        value: { event: 'page', why: "child 'ask' is a task, which takes no events" },
      },
    ]);
  });

  it('the parent goes to its address, or is dropped without one', () => {
    const child = new TestActor(machine, agents);
    child.start(null, { parent });
    expect(effectsOf(child.send('up'), 'send')).toEqual([
      { kind: 'send', to: parent.address, event: { type: 'progress' } },
    ]);
    expect(effectsOf(started(machine).send('up'), 'log')).toHaveLength(1);
  });

  it('itself is applied in the same turn', () => {
    const actor = started(machine);
    const { effects, steps } = actor.send('me');
    expect(steps.map(({ event }) => event.type)).toEqual(['me', 'print']);
    expect(effects).toMatchObject([{ turn: 2, index: 0, effect: { kind: 'send' } }]);
    expect(actor.state?.turn).toBe(2);
  });

  it('itself with delay is a timer whose event comes back', () => {
    const actor = started(machine);
    actor.send('meLater');
    expect(effectsOf(actor.take({ kind: 'timer', token: 't2.0' }), 'send')).toHaveLength(1);
  });

  it('itself without end is refused', () => {
    expect(started(machine).send('loop').verdicts).toMatchObject([
      { kind: 'rejected', error: { code: 'MACHINE_LOOPS', message: expect.stringContaining('1000 events') } },
    ]);
  });

  it('itself by its address is no detour', () => {
    const roundabout = createMachine({
      on: {
        go: { actions: sendTo(() => ({ type: 'order', id: 'o-1' }) as never, { type: 'print' } as never) },
        print: { actions: emit({ type: 'printed' }) },
      },
    });
    expect(started(roundabout).send('go').effects).toMatchObject([{ turn: 2, effect: { kind: 'emit' } }]);
  });

  it('what is no actor is the fault of the machine', () => {
    const lost = createMachine({
      on: { go: { actions: sendTo(() => ({ name: 'x' }) as never, { type: 'y' } as never) } },
    });
    expect(started(lost).send('go').verdicts).toMatchObject([
      {
        kind: 'rejected',
        error: { code: 'MACHINE_THREW', message: expect.stringContaining('{ type, id }') },
      },
    ]);
  });

  it('anybody does not take events of XState and Quorate along: the receiver would refuse them', () => {
    const forwarding = createMachine({
      invoke: [
        { id: 'print', src: 'printer' },
        { id: 'ask', src: 'model' },
      ],
      on: { '*': { actions: forwardTo('print') } },
    });
    const actor = started(forwarding);
    expect(effectsOf(actor.send('page'), 'send')).toMatchObject([{ event: { type: 'page' } }]);
    const batch = actor.reply('1.1', 'answer');
    expect(batch.verdicts).toEqual([{ kind: 'applied' }]);
    expect(effectsOf(batch, 'send')).toEqual([]);
    expect(effectsOf(batch, 'log')).toMatchObject([
      { label: 'event dropped', value: { event: 'xstate.done.actor.ask' } },
    ]);
  });

  it('a peer by its address is a message to it', () => {
    expect(effectsOf(started(machine).send('peer'), 'send')).toEqual([
      { kind: 'send', to: { type: 'store', id: 's-9' }, event: { type: 'deposit' } },
    ]);
  });
});

describe('children', () => {
  it('of a re-entered state are new executions; the old ones are stale (I9)', () => {
    const machine = createMachine({
      initial: 'asking',
      states: {
        asking: {
          invoke: { id: 'ask', src: 'model', systemId: 'asker', input: ({ event }) => event, onDone: 'end' },
          on: { again: { target: 'asking', reenter: true } },
        },
        end: {},
      },
    });
    const actor = started(machine);
    const { effects } = actor.send('again');
    expect(effects.map(({ effect }) => effect.kind)).toEqual(['task']);
    expect(Object.keys(actor.state?.executions ?? {})).toEqual(['2.0']);
    expect(actor.reply('1.0', 'late').verdicts).toMatchObject([{ kind: 'stale' }]);
    expect(actor.value).toBe('asking');
    actor.reply('2.0', 'in time');
    expect(actor.value).toBe('end');
  });

  it('started and stopped in one turn never leave it', () => {
    const machine = createMachine({
      initial: 'a',
      states: {
        a: { on: { go: 'b' } },
        b: {
          invoke: [{ src: 'model' }, { id: 'p', src: 'printer' }],
          entry: sendTo('p', { type: 'page' }),
          always: 'c',
        },
        c: {},
      },
    });
    const actor = started(machine);
    expect(actor.send('go').effects).toEqual([]);
    expect(holdings(actor.state)).toEqual(NOTHING);
    expect(actor.value).toBe('c');
  });

  it('spawned without an id get one each, and are forgotten when they end', () => {
    const machine = createMachine({
      types: {} as { context: { got: unknown[] } },
      context: { got: [] },
      on: {
        two: { actions: [spawnChild('model', { input: 1 }), spawnChild('model', { input: 2 })] },
        'xstate.done.actor.*': {
          actions: assign({ got: ({ context, event }) => [...context.got, event.output] }),
        },
      },
    });
    const actor = started(machine);
    expect(effectsOf(actor.send('two'), 'task').map(({ input }) => input)).toEqual([1, 2]);
    expect(actor.state?.snapshot).toMatchObject({
      children: { 'x:2.0': { src: 'model' }, 'x:2.1': { src: 'model' } },
    });
    actor.reply('2.1', 'second');
    actor.reply('2.0', 'first');
    expect(actor.context.got).toEqual(['second', 'first']);
    expect(holdings(actor.state)).toEqual({ ...NOTHING, timers: ['t2.0'] });
  });

  it('cost the persisted snapshot a few bytes, whatever their input', () => {
    const machine = createMachine({
      invoke: { id: 'ask', src: 'model', input: 'x'.repeat(10_000) },
    });
    const actor = started(machine);
    expect(JSON.stringify(actor.state?.snapshot).length).toBeLessThan(300);
  });

  it('are told when they are stopped', () => {
    const machine = createMachine({
      entry: spawnChild('printer', { id: 'print', input: { dpi: 300 } }),
      on: {
        enough: { actions: stopChild('print') },
        twice: { actions: [stopChild('print'), stopChild('print')] },
      },
    });
    const actor = new TestActor(machine, agents);
    const [start] = effectsOf(actor.start(), 'startChild');
    expect(start).toMatchObject({ execution: '1.0', input: { dpi: 300 }, syncSnapshot: false });
    expect(effectsOf(actor.send('enough'), 'stopChild')).toEqual([
      { kind: 'stopChild', execution: '1.0', address: start?.address },
    ]);
    expect(actor.send('twice').effects).toEqual([]);
  });

  it('that were stopped are stale when they answer after all (I9)', () => {
    const machine = createMachine({
      entry: [spawnChild('printer', { id: 'print' }), spawnChild('model', { id: 'ask' })],
      on: { enough: { actions: [stopChild('print'), stopChild('ask')] }, '*': { actions: log('heard') } },
    });
    const actor = started(machine);
    actor.send('enough');
    expect(holdings(actor.state)).toEqual({ ...NOTHING, timers: ['t1.0'] });
    for (const execution of ['1.0', '1.1']) {
      expect(actor.reply(execution, 'late')).toMatchObject({ verdicts: [{ kind: 'stale' }], effects: [] });
    }
    const late = { kind: 'childSnapshot', execution: '1.0', snapshot: {} } as const;
    expect(actor.take(late)).toMatchObject({ verdicts: [{ kind: 'stale' }], effects: [] });
  });

  it('that have ended keep their names in the snapshot, with their status, until they are stopped', () => {
    const machine = createMachine({
      entry: [spawnChild('model', { id: 'one', systemId: 'one' }), spawnChild('model', { id: 'two' })],
      on: {
        'xstate.error.actor.two': {},
        check: {
          actions: emit(({ self }) => ({
            type: 'seen',
            status: self.getSnapshot().children.one?.getSnapshot().status,
          })),
        },
        drop: { actions: stopChild('one') },
      },
    });
    const actor = started(machine);
    expect(effectsOf(actor.send('check'), 'emit')).toMatchObject([{ event: { status: 'active' } }]);
    actor.reply('1.0', 'answer');
    actor.take({
      kind: 'reply',
      execution: '1.1',
      outcome: { status: 'error', error: { code: 'NO', message: 'no' } },
    });
    expect(effectsOf(actor.send('check'), 'emit')).toMatchObject([{ event: { status: 'done' } }]);
    expect(actor.state?.snapshot).toMatchObject({
      children: {
        one: { src: 'model', snapshot: { status: 'done' } },
        two: { snapshot: { status: 'error' } },
      },
    });
    expect(actor.send('drop').effects).toEqual([]);
    expect(holdings(actor.state).children).toEqual(['two']);
  });

  it('whose end is rejected are not ended: neither status nor system id has changed', () => {
    const machine = createMachine({
      entry: spawnChild('model', { id: 'one', systemId: 'one' }),
      on: {
        'xstate.done.actor.one': { actions: spawnChild('nobody') },
        check: {
          actions: emit(({ self, system }) => ({
            type: 'seen',
            status: self.getSnapshot().children.one?.getSnapshot().status,
            named: system.get('one') !== undefined,
          })),
        },
      },
    });
    const actor = started(machine, { stopsAtInternal: true });
    const check = { kind: 'event', event: { type: 'check' } } as const;
    const batch = actor.take(check, {
      kind: 'reply',
      execution: '1.0',
      outcome: { status: 'done', output: 1 },
    });
    expect(batch).toMatchObject({ verdicts: [{ kind: 'applied' }], stoppedBy: { code: 'AGENT_NOT_FOUND' } });
    expect(effectsOf(actor.take(check), 'emit')).toMatchObject([
      { event: { status: 'active', named: true } },
    ]);
  });

  it('started again under the same id replace the earlier ones', () => {
    const machine = createMachine({ on: { go: { actions: spawnChild('printer', { id: 'print' }) } } });
    const actor = started(machine);
    const [first] = effectsOf(actor.send('go'), 'startChild');
    const { effects } = actor.send('go');
    expect(effects.map(({ effect }) => effect)).toMatchObject([
      { kind: 'stopChild', execution: '2.0', address: first?.address },
      { kind: 'startChild', execution: '3.0' },
    ]);
    expect(holdings(actor.state)).toMatchObject({ executions: ['3.0'], children: ['print'] });
  });

  it('are still reached by a reference that the context keeps over a restore', () => {
    const machine = createMachine({
      types: {} as { context: { printer: unknown } },
      context: { printer: null },
      invoke: { id: 'print', src: 'printer' },
      on: {
        keep: { actions: assign({ printer: ({ self }) => self.getSnapshot().children.print }) },
        print: { actions: sendTo(({ context }) => context.printer as never, { type: 'page' } as never) },
        touch: { actions: assign({}) },
      },
    });
    const actor = started(machine);
    actor.send('keep');
    expect(actor.context).toEqual({ printer: { xstate$$type: 1, id: 'print' } });
    const before = structuredClone(actor.state);
    const given = actor.state;
    expect(effectsOf(actor.send('print'), 'send')).toMatchObject([{ event: { type: 'page' } }]);
    expect(given, 'a restore changes nothing of what it was given').toEqual(before);
  });

  it('that a rejected turn stopped are still there for the next', () => {
    const machine = createMachine({
      entry: spawnChild('printer', { id: 'print' }),
      on: {
        print: { actions: sendTo('print', { type: 'page' }) },
        // The second action is refused after the first has been applied.
        go: { actions: [stopChild('print'), spawnChild('nobody')] },
      },
    });
    const actor = started(machine);
    const batch = actor.take(
      { kind: 'event', event: { type: 'go' } },
      { kind: 'event', event: { type: 'print' } },
    );
    expect(batch.verdicts.map(({ kind }) => kind)).toEqual(['rejected', 'applied']);
    expect(batch.effects.map(({ effect }) => effect.kind)).toEqual(['send']);
    expect(holdings(actor.state)).toMatchObject({ executions: ['1.0'], children: ['print'] });
  });

  it('made by spawn() inside assign are refused: nothing would run them', () => {
    const machine = setup({
      types: { context: {} as { ref: unknown } },
      actors: { worker: fromPromise(async () => null) },
    }).createMachine({
      context: { ref: null },
      on: { go: { actions: assign({ ref: ({ spawn }) => spawn('worker', { id: 'w' }) }) } },
    });
    const actor = started(machine);
    expect(actor.send('go').verdicts).toMatchObject([
      {
        kind: 'rejected',
        error: { code: 'MACHINE_NOT_DURABLE', message: expect.stringContaining('spawnChild') },
      },
    ]);
    expect(actor.context).toEqual({ ref: null });
  });
});

describe('other actions', () => {
  const machine = setup({
    actions: {
      notify: (_args: unknown, _params: { to: string }) => {
        throw new Error('custom actions never run inside a turn');
      },
    },
  }).createMachine({
    on: {
      tell: {
        actions: [
          emit({ type: 'told', n: 1 } as never),
          log('note', 'label'),
          { type: 'notify', params: { to: 'ops' } },
        ],
      },
      unknown: { actions: 'unimplemented' as never },
      inline: { actions: enqueueActions(({ enqueue }) => enqueue(() => {})) },
      send: { actions: assign(({ self }) => self.send({ type: 'tell' }) as never) },
      forever: { actions: raise({ type: 'forever' }) },
    },
  });

  it('become emit, log and action effects, in order', () => {
    const actor = started(machine);
    expect(actor.send('tell', { x: 1 }).effects).toEqual([
      { turn: 2, index: 0, effect: { kind: 'emit', event: { type: 'told', n: 1 } } },
      { turn: 2, index: 1, effect: { kind: 'log', label: 'label', value: 'note' } },
      {
        turn: 2,
        index: 2,
        effect: { kind: 'action', name: 'notify', params: { to: 'ops' }, event: { type: 'tell', x: 1 } },
      },
    ]);
  });

  it('log what can not be written down as text: a record must not cost its turn', () => {
    const logging = createMachine({ on: { go: { actions: [log(() => 1n), log(() => new Map(), 'map')] } } });
    expect(effectsOf(started(logging).send('go'), 'log')).toEqual([
      { kind: 'log', label: null, value: '1' },
      { kind: 'log', label: 'map', value: {} },
    ]);
  });

  it('without an implementation do nothing, as in XState', () => {
    expect(started(machine).send('unknown')).toMatchObject({ effects: [], verdicts: [{ kind: 'applied' }] });
  });

  it('queued inline are refused: they could not run in another process', () => {
    expect(started(machine).send('inline').verdicts).toMatchObject([
      { kind: 'rejected', error: { code: 'MACHINE_NOT_DURABLE' } },
    ]);
  });

  it('refuse self.send and endless macrosteps', () => {
    const actor = started(machine);
    expect(actor.send('send').verdicts).toMatchObject([
      { kind: 'rejected', error: { code: 'MACHINE_NOT_DURABLE' } },
    ]);
    expect(actor.send('forever').verdicts).toMatchObject([
      {
        kind: 'rejected',
        error: { code: 'MACHINE_LOOPS', message: expect.stringContaining('Infinite loop') },
      },
    ]);
    expect(actor.state?.turn).toBe(1);
  });
});

// Everything that leaves a machine is held to what its context is held to: refused by its path, never changed on its way.
import { describe, expect, it } from 'vitest';
import {
  assign,
  createMachine,
  emit,
  enqueueActions,
  raise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
} from 'xstate';
import { INERT_LOGIC } from '../../../../src/actors/core/scope.ts';
import { SCATTER_LOGIC } from '../../../../src/contract/scatter.ts';
import { NO_JSON } from '../../../kit/no-json.ts';
import { effectsOf, TestActor } from './turns.ts';

const told = (make: () => unknown): never => ({ type: 'told', v: make() }) as never;

/** What goes out is made by the machine itself: no event could bring it in. */
function machineThat(make: () => unknown) {
  return setup({
    types: { events: {} as { type: string } },
    actors: {
      model: INERT_LOGIC,
      printer: INERT_LOGIC,
      scatter: Object.assign({ ...INERT_LOGIC }, { [SCATTER_LOGIC]: true }),
    },
    actions: { note: (_self, _params: unknown) => {} },
  }).createMachine({
    initial: 'open',
    output: ({ event }) => event.output,
    on: {
      send: { actions: sendTo({ type: 'order', id: 'peer' } as never, () => told(make)) },
      parent: { actions: sendParent(() => told(make)) },
      later: { actions: raise(() => told(make), { delay: 100 }) },
      laterAway: {
        actions: sendTo({ type: 'order', id: 'p' } as never, () => told(make), {
          delay: 1,
        }),
      },
      emit: { actions: emit(() => told(make)) },
      params: { actions: { type: 'note', params: () => ({ v: make() }) } },
      queued: {
        actions: enqueueActions(({ enqueue }) => enqueue({ type: 'note', params: { v: make() } } as never)),
      },
      raised: { actions: raise(() => ({ type: 'noted', v: make() })) },
      noted: { actions: 'note' },
      child: { actions: spawnChild('printer', { input: () => ({ v: make() }) }) },
      task: '.asking',
      items: '.scattering',
      shared: '.sharing',
      end: '.closed',
    },
    states: {
      open: {},
      asking: { invoke: { src: 'model', input: () => ({ v: make() }) } },
      scattering: {
        invoke: {
          src: 'scatter',
          input: () => ({
            agents: ['model'],
            items: [{ v: make() }],
            policy: { kind: 'all' },
            collect: 'counts',
          }),
        },
      },
      sharing: {
        invoke: {
          src: 'scatter',
          input: () => ({
            agents: ['model'],
            items: [1],
            shared: { v: make() },
            policy: { kind: 'all' },
            collect: 'counts',
          }),
        },
      },
      closed: { type: 'final', output: () => ({ v: make() }) },
    },
  });
}

const world = {
  registry: { agents: { model: { deadlineMs: 60_000 } }, machines: { printer: true, order: true } },
} as const;
const parent = {
  address: { type: 'order', id: 'parent' },
  reply: { entity: 'actor.order', sessionId: 'parent', correlationId: '1.0' },
  syncSnapshot: false,
};

const BORDERS: readonly (readonly [event: string, code: string, path: string])[] = [
  ['send', 'INPUT_INVALID', 'event.v'],
  ['parent', 'INPUT_INVALID', 'event.v'],
  ['later', 'INPUT_INVALID', 'event.v'],
  ['laterAway', 'INPUT_INVALID', 'event.v'],
  ['emit', 'OUTPUT_INVALID', 'event.v'],
  ['params', 'INPUT_INVALID', 'params.v'],
  ['queued', 'INPUT_INVALID', 'params.v'],
  ['raised', 'INPUT_INVALID', 'event.v'],
  ['child', 'INPUT_INVALID', 'input.v'],
  ['task', 'INPUT_INVALID', 'input.v'],
  ['items', 'INPUT_INVALID', 'input.items[0].v'],
  ['shared', 'INPUT_INVALID', 'input.shared.v'],
  ['end', 'OUTPUT_INVALID', 'output.v'],
];

describe.each(BORDERS)('what a machine gives by %s', (event, code, path) => {
  it.each(NO_JSON)('is refused for $name', ({ make, fault }) => {
    const actor = new TestActor(machineThat(make), world);
    actor.start(null, { parent });
    const { verdicts, effects } = actor.send(event);
    expect(verdicts).toMatchObject([
      { kind: 'rejected', error: { code, message: expect.stringContaining(`${path}${fault}`) } },
    ]);
    expect(verdicts).toMatchObject([{ error: { message: expect.stringContaining("machine 'order'") } }]);
    expect(effects).toEqual([]);
  });

  it('goes through when it is plain, undefined fields left out', () => {
    const actor = new TestActor(
      machineThat(() => ({ a: 1, b: undefined })),
      world,
    );
    actor.start(null, { parent });
    const { verdicts } = actor.send(event);
    expect(verdicts).toEqual([{ kind: 'applied' }]);
    expect(JSON.stringify(actor.state)).not.toContain('"b"');
  });
});

describe('what stays inside a turn', () => {
  it('may be anything: a machine that sends itself a Date gets a Date', () => {
    const machine = createMachine({
      types: {} as { context: { at: number }; events: { type: 'go' } | { type: 'at'; date: Date } },
      context: { at: 0 },
      on: {
        go: { actions: sendTo(({ self }) => self, { type: 'at', date: new Date(5) }) },
        at: { actions: assign({ at: ({ event }) => event.date.getTime() }) },
      },
    });
    const actor = new TestActor(machine);
    actor.start();
    expect(actor.send('go').verdicts).toEqual([{ kind: 'applied' }]);
    expect(actor.context).toEqual({ at: 5 });
  });

  it('may hold references to actors, which are written as addresses', () => {
    const machine = setup({ actors: { printer: INERT_LOGIC } }).createMachine({
      invoke: { id: 'p', src: 'printer' },
      on: {
        go: {
          actions: sendTo(
            { type: 'order', id: 'peer' } as never,
            ({ self }) => ({ type: 'told', from: self }) as never,
          ),
        },
      },
    });
    const actor = new TestActor(machine, world);
    actor.start();
    expect(effectsOf(actor.send('go'), 'send')).toMatchObject([
      { event: { type: 'told', from: { type: 'order', id: 'o-1' } } },
    ]);
  });
});

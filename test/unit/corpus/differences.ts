// Machines that can not do the same both ways. What differs and why is said in differences.test.ts and docs/machines.md.

import type { AnyActorRef } from 'xstate';
import {
  assign,
  cancel,
  createMachine,
  fromPromise,
  log,
  raise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  stopChild,
} from 'xstate';
import type { Scripts } from './case.ts';
import { send, sendChild, start, wait } from './case.ts';

/** A machine that notes the types of the events for which it says so. */
const base = setup({
  types: { context: {} as { log: string[] } },
  actors: {
    eager: createMachine({ entry: sendParent({ type: 'fromChild' }) }),
    ticking: createMachine({ after: { 10: { actions: sendParent({ type: 'tick' }) } } }),
  },
  actions: { note: assign({ log: ({ context, event }) => [...context.log, event.type] }) },
});

export const throwing = setup({
  types: { context: {} as { n: number } },
  guards: {
    broken: () => {
      throw new Error('broken');
    },
  },
}).createMachine({
  context: { n: 0 },
  on: { add: { actions: assign({ n: ({ context }) => context.n + 1 }) }, go: { guard: 'broken' } },
});

const fragile = setup({
  guards: {
    broken: () => {
      throw new Error('cracked');
    },
  },
}).createMachine({
  initial: 'whole',
  states: {
    whole: { on: { hit: { guard: 'broken', target: 'broken' }, touch: 'touched' } },
    touched: {},
    broken: {},
  },
});
export const parentOfThrowing = setup({ actors: { fragile } }).createMachine({
  initial: 'a',
  states: { a: { invoke: { id: 'vase', src: 'fragile', onError: 'b' } }, b: {} },
});

export const orphan = createMachine({ on: { go: { actions: [sendParent({ type: 'up' }), log('done')] } } });

export const order = base.createMachine({
  context: { log: [] },
  on: {
    go: { actions: [spawnChild('eager', { id: 'e' }), sendTo(({ self }) => self, { type: 'fromSelf' })] },
    '*': { actions: 'note' },
  },
});

const counting = setup({ types: { context: {} as { n: number } } }).createMachine({
  context: { n: 0 },
  on: {
    go: { actions: [assign({ n: 1 }), sendTo(({ self }) => self, { type: 'more' })] },
    more: { actions: assign({ n: ({ context }) => context.n + 1 }) },
  },
});
export const following = setup({
  types: { context: {} as { seen: number[] } },
  actors: { counting },
}).createMachine({
  context: { seen: [] },
  invoke: {
    id: 'c',
    src: 'counting',
    onSnapshot: {
      actions: assign({ seen: ({ context, event }) => [...context.seen, event.snapshot.context.n] }),
    },
  },
});

export const namesakes = base.createMachine({
  context: { log: [] },
  on: {
    go: {
      actions: [
        raise({ type: 'first' }, { delay: 10, id: 'x' }),
        raise({ type: 'second' }, { delay: 20, id: 'x' }),
      ],
    },
    stop: { actions: cancel('x') },
    first: { actions: 'note' },
    second: { actions: 'note' },
  },
});

export const replaced = base.createMachine({
  context: { log: [] },
  on: { go: { actions: spawnChild('ticking', { id: 't' }) }, tick: { actions: 'note' } },
});

export const rejecting = setup({
  types: { context: {} as { error: unknown } },
  actors: { says: fromPromise(() => Promise.reject('no')) },
}).createMachine({
  context: { error: null },
  initial: 'a',
  states: {
    a: {
      invoke: {
        src: 'says',
        onError: { target: 'b', actions: assign({ error: ({ event }) => event.error }) },
      },
    },
    b: {},
  },
});

export const forging = base.createMachine({
  context: { log: [] },
  on: { 'xstate.done.actor.job': { actions: 'note' }, 'quorate.partial.job': { actions: 'note' } },
});

const echo = createMachine({ on: { ping: { actions: sendParent({ type: 'pong' }) } } });
export const reborn = setup({
  types: { context: {} as { ref: AnyActorRef | null; log: string[] } },
  actors: { echo },
}).createMachine({
  context: { ref: null, log: [] },
  entry: spawnChild('echo', { id: 'e' }),
  on: {
    keep: { actions: assign({ ref: ({ self }) => self.getSnapshot().children['e'] as AnyActorRef }) },
    again: { actions: [stopChild('e'), spawnChild('echo', { id: 'e' })] },
    ping: { actions: sendTo(({ context }) => context.ref as AnyActorRef, { type: 'ping' }) },
    pong: { actions: assign({ log: ({ context, event }) => [...context.log, event.type] }) },
  },
});

const seeker = createMachine({
  on: {
    look: {
      actions: sendParent(({ system }) => ({
        type: 'saw',
        who: Object.keys(system.getAll()).toSorted().join(),
      })),
    },
  },
});
export const latecomers = setup({
  types: { context: {} as { saw: string[] } },
  actors: { seeker },
}).createMachine({
  context: { saw: [] },
  entry: [
    spawnChild('seeker', { id: 'one', systemId: 'one' }),
    spawnChild('seeker', { id: 'two', systemId: 'two' }),
  ],
  on: {
    more: { actions: spawnChild('seeker', { id: 'three', systemId: 'three' }) },
    saw: { actions: assign({ saw: ({ context, event }) => [...context.saw, event.who as string] }) },
  },
});

export const dated = setup({ types: { context: {} as { at: unknown } } }).createMachine({
  context: { at: null },
  on: {
    date: { actions: assign({ at: () => new Date(0) }) },
    infinite: { actions: assign({ at: { best: [Infinity] } }) },
    text: { actions: assign({ at: 'noon' }) },
  },
});

export const endless = createMachine({
  initial: 'a',
  states: { a: { on: { go: 'b' } }, b: { always: 'c' }, c: { always: 'b' } },
  on: { ok: {} },
});

export const cases: Scripts = {
  throwing: {
    script: [
      [start, {}],
      [send('add'), {}],
      [send('go'), {}],
      [send('add'), {}],
    ],
  },
  parentOfThrowing: {
    script: [
      [start, 'a'],
      [sendChild('vase', 'hit'), 'b'],
    ],
  },
  orphan: {
    script: [
      [start, {}],
      [send('go'), {}],
    ],
  },
  order: {
    script: [
      [start, {}],
      [send('go'), {}],
    ],
  },
  following: {
    script: [
      [start, {}],
      [sendChild('c', 'go'), {}],
    ],
  },
  namesakes: {
    script: [
      [start, {}],
      [send('go'), {}],
      [send('stop'), {}],
      [wait(50), {}],
    ],
  },
  replaced: {
    script: [
      [start, {}],
      [send('go'), {}],
      [send('go'), {}],
      [wait(50), {}],
    ],
  },
  rejecting: { script: [[start, 'b']] },
  forging: {
    script: [
      [start, {}],
      [send('xstate.done.actor.job', { output: 1 }), {}],
      [send('quorate.partial.job'), {}],
    ],
  },
  reborn: {
    script: [
      [start, {}],
      [send('keep'), {}],
      [send('ping'), {}],
      [send('again'), {}],
      [send('ping'), {}],
    ],
  },
  latecomers: {
    script: [
      [start, {}],
      [sendChild('one', 'look'), {}],
      [send('more'), {}],
      [sendChild('one', 'look'), {}],
      [sendChild('three', 'look'), {}],
    ],
  },
  dated: {
    script: [
      [start, {}],
      [send('date'), {}],
      [send('infinite'), {}],
      [send('text'), {}],
    ],
  },
  endless: {
    script: [
      [start, 'a'],
      [send('go'), 'a'],
      [send('ok'), 'a'],
    ],
  },
};

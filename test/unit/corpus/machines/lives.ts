// Beginnings and ends of children: by name from the registry, before they begin, and by errors.
import { assign, createMachine, emit, fromPromise, log, sendParent, sendTo, setup, spawnChild } from 'xstate';
import type { Scripts } from '../case.ts';
import { send, start, wait } from '../case.ts';
import { later } from '../clock.ts';

/** A machine that is registered by itself, invoked by its name. */
export const printer = setup({
  types: { context: {} as { pages: number }, input: {} as { pages: number } },
}).createMachine({
  context: ({ input }) => ({ pages: input.pages }),
  initial: 'printing',
  states: {
    printing: {
      after: {
        50: {
          target: 'printing',
          reenter: true,
          guard: ({ context }) => context.pages > 1,
          actions: assign({ pages: ({ context }) => context.pages - 1 }),
        },
        60: 'out',
      },
    },
    out: { type: 'final' },
  },
  output: ({ context }) => `last page ${context.pages}`,
});
export const office = createMachine({
  initial: 'idle',
  states: {
    idle: { on: { PRINT: 'printing' } },
    printing: {
      invoke: {
        src: 'printer',
        input: ({ event }) => ({ pages: event.pages }),
        onDone: { target: 'idle', actions: log(({ event }) => event.output) },
      },
      on: { STOP: 'idle' },
    },
  },
});

/** A child that cannot even begin, and one that is over before it has begun. */
const stillborn = createMachine({
  context: () => {
    throw new Error('no context');
  },
});
const mayfly = createMachine({ initial: 'over', states: { over: { type: 'final' } }, output: 'a day' });
export const nursery = setup({
  types: { context: {} as { said: string[] } },
  actors: { stillborn, mayfly },
}).createMachine({
  context: { said: [] },
  initial: 'first',
  states: {
    first: {
      invoke: {
        src: 'stillborn',
        onError: {
          target: 'second',
          actions: assign({
            said: ({ context, event }) => [...context.said, (event.error as Error).message],
          }),
        },
      },
    },
    second: {
      invoke: {
        src: 'mayfly',
        onDone: {
          target: 'third',
          actions: assign({ said: ({ context, event }) => [...context.said, event.output] }),
        },
      },
    },
    third: { entry: spawnChild('mayfly', { id: 'fly' }), on: { 'xstate.done.actor.fly': 'fourth' } },
    fourth: {},
  },
});

const alarm = setup({
  types: {
    context: {} as { rings: number },
    input: {} as { rings: number } | undefined,
    output: {} as { left: number },
    events: {} as { type: 'RING' } | { type: 'OFF' } | { type: 'BREAK' },
  },
  actors: { fuse: fromPromise(() => later(5, new Error('short circuit'))) },
}).createMachine({
  id: 'alarm',
  context: ({ input }) => ({ rings: input?.rings ?? 2 }),
  initial: 'armed',
  states: {
    armed: {
      tags: ['armed'],
      on: {
        RING: {
          actions: [
            assign({ rings: ({ context }) => context.rings - 1 }),
            sendParent(({ context }) => ({ type: 'RANG', left: context.rings })),
            emit({ type: 'noise' }),
          ],
        },
        OFF: 'off',
        BREAK: 'broken',
      },
      always: { guard: ({ context }) => context.rings === 0, target: 'off' },
    },
    broken: { invoke: { src: 'fuse' } },
    off: { type: 'final' },
  },
  output: ({ context }) => ({ left: context.rings }),
});

/** An error that no onError takes is the parent's own. */
export const chained = setup({ actors: { alarm } }).createMachine({
  initial: 'a',
  states: {
    a: {
      invoke: { id: 'alarm', src: 'alarm' },
      on: { BREAK: { actions: sendTo('alarm', { type: 'BREAK' }) } },
    },
  },
});

export const cases: Scripts = {
  office: {
    registered: ['printer'],
    script: [
      [start, 'idle'],
      [send('PRINT', { pages: 2 }), 'printing'],
      [wait(50), 'printing'],
      [wait(50), 'printing'],
      [wait(10), 'idle'],
      [send('PRINT', { pages: 9 }), 'printing'],
      [wait(120), 'printing'],
      [send('STOP'), 'idle'],
      [wait(500), 'idle'],
    ],
    logged: ['last page 1'],
  },
  nursery: {
    script: [[start, 'fourth']],
    context: { said: ['no context', 'a day'] },
    refused: ['no context'],
  },
  chained: {
    script: [
      [start, 'a'],
      [send('BREAK'), 'a'],
      [wait(5), 'a'],
    ],
    status: 'error',
  },
};

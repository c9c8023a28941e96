// Actors that find each other by a system id.
import {
  assign,
  enqueueActions,
  fromPromise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  stopChild,
} from 'xstate';
import type { Scripts } from '../case.ts';
import { send, sendChild, start, wait } from '../case.ts';
import { later } from '../clock.ts';

const counter = setup({
  types: { context: {} as { n: number }, events: {} as { type: 'COUNT' } | { type: 'END' } },
}).createMachine({
  context: { n: 0 },
  initial: 'on',
  states: {
    on: { on: { COUNT: { actions: assign({ n: ({ context }) => context.n + 1 }) }, END: 'off' } },
    off: { type: 'final' },
  },
  output: ({ context }) => context.n,
});

/** A form tells the counter by its system id, though neither knows the other: they are siblings. */
const form = setup({}).createMachine({
  initial: 'filling',
  states: {
    filling: {
      on: {
        SUBMIT: { actions: sendTo(({ system }) => system.get('counter'), { type: 'COUNT' }) },
        LOOK: {
          actions: enqueueActions(({ enqueue, system }) => {
            enqueue.sendTo(system.get('counter'), { type: 'COUNT' });
            if (system.get('nobody') === undefined) enqueue(sendParent({ type: 'NOBODY' }));
          }),
        },
      },
    },
  },
});

export const website = setup({
  types: { context: {} as { total: number; alone: boolean } },
  actors: { counter, form },
}).createMachine({
  context: { total: 0, alone: false },
  initial: 'open',
  invoke: [
    { src: 'form', id: 'form' },
    {
      src: 'counter',
      id: 'tally',
      systemId: 'counter',
      onDone: { actions: assign({ total: ({ event }) => event.output as number }) },
    },
  ],
  on: {
    COUNT: { actions: sendTo(({ system }) => system.get('counter'), { type: 'COUNT' }) },
    NOBODY: { actions: assign({ alone: true }) },
    END: { actions: sendTo('tally', { type: 'END' }) },
  },
  states: { open: {} },
});

/** A system id is free again as soon as its actor is stopped or has ended. */
export const relay = setup({
  types: { context: {} as { ended: unknown[] } },
  actors: { counter, once: fromPromise(() => later(10, 'once')) },
}).createMachine({
  context: { ended: [] },
  initial: 'running',
  states: {
    running: {
      invoke: {
        src: 'counter',
        id: 'runner',
        systemId: 'runner',
        onDone: { actions: assign({ ended: ({ context, event }) => [...context.ended, event.output] }) },
      },
      on: { AGAIN: { target: 'running', reenter: true } },
    },
  },
  on: {
    COUNT: { actions: sendTo(({ system }) => system.get('runner'), { type: 'COUNT' }) },
    END: { actions: sendTo(({ system }) => system.get('runner'), { type: 'END' }) },
    ONCE: { actions: spawnChild('once', { id: 'once 1', systemId: 'once' }) },
    TWICE: { actions: spawnChild('once', { id: 'once 2', systemId: 'once' }) },
    SWAP: { actions: [stopChild('once 2'), spawnChild('counter', { id: 'extra', systemId: 'once' })] },
    ASK: {
      actions: assign({
        ended: ({ context, system }) => [
          ...context.ended,
          system.get('once') === undefined ? 'free' : 'taken',
          Object.keys(system.getAll()).length,
        ],
      }),
    },
  },
});

export const cases: Scripts = {
  website: {
    script: [
      [start, 'open'],
      [send('COUNT'), 'open'],
      [sendChild('form', 'SUBMIT'), 'open'],
      [sendChild('form', 'LOOK'), 'open'],
      [send('END'), 'open'],
    ],
    context: { total: 3, alone: true },
  },
  relay: {
    script: [
      [start, 'running'],
      [send('COUNT'), 'running'],
      [send('AGAIN'), 'running'],
      [send('COUNT'), 'running'],
      [send('COUNT'), 'running'],
      [send('END'), 'running'],
      [send('AGAIN'), 'running'],
      [send('ONCE'), 'running'],
      [send('ASK'), 'running'],
      [wait(10), 'running'],
      [send('ASK'), 'running'],
      [send('TWICE'), 'running'],
      [send('SWAP'), 'running'],
      [wait(10), 'running'],
      [send('ASK'), 'running'],
    ],
    context: { ended: [2, 'taken', 2, 'free', 1, 'taken', 2] },
  },
};

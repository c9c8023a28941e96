// Transitions: targets, self-transitions, re-entry, forbidden and wildcard events, several targets.
import { assign, createMachine, log, setup } from 'xstate';
import type { Scripts } from '../case.ts';
import { send, start } from '../case.ts';

export const trafficLight = createMachine({
  initial: 'green',
  states: {
    green: { on: { TIMER: 'yellow' } },
    yellow: { on: { TIMER: { target: 'red' } } },
    red: { on: { TIMER: 'green' } },
  },
  on: { FAULT: '.red' },
});

/** A self-transition without a target only acts; with `reenter` the state is left and entered. */
export const selfTransitions = setup({
  types: { context: {} as { touched: number } },
}).createMachine({
  context: { touched: 0 },
  initial: 'open',
  states: {
    open: {
      entry: log('enter open'),
      exit: log('leave open'),
      initial: 'idle',
      states: { idle: { on: { TYPE: 'dirty' } }, dirty: {} },
      on: {
        TOUCH: { actions: assign({ touched: ({ context }) => context.touched + 1 }) },
        RESET: { target: 'open' },
        REOPEN: { target: 'open', reenter: true },
      },
    },
  },
});

export const forbidden = createMachine({
  initial: 'form',
  on: { LOGOUT: '.out', SAVE: '.saved' },
  states: {
    form: {
      initial: 'editing',
      states: {
        editing: { on: { LOGOUT: undefined, LOCK: 'locked' } },
        locked: { on: { SAVE: {} } },
      },
    },
    saved: {},
    out: {},
  },
});

export const wildcards = setup({
  types: { context: {} as { seen: string[] } },
}).createMachine({
  context: { seen: [] },
  initial: 'listening',
  states: {
    listening: {
      on: {
        'mouse.click': { actions: assign({ seen: ({ context }) => [...context.seen, 'exactly a click'] }) },
        'mouse.*': {
          actions: assign({ seen: ({ context, event }) => [...context.seen, `mouse: ${event.type}`] }),
        },
        'key.down.*': 'typing',
        '*': { actions: assign({ seen: ({ context, event }) => [...context.seen, `any: ${event.type}`] }) },
      },
    },
    typing: { on: { '*': 'listening' } },
  },
});

/** Entry and exit run from the least common ancestor; a target may lie anywhere. */
export const acrossTheTree = createMachine({
  id: 'tree',
  initial: 'left',
  entry: log('root in'),
  states: {
    left: {
      entry: log('left in'),
      exit: log('left out'),
      initial: 'a',
      states: {
        a: { entry: log('a in'), exit: log('a out'), on: { SIDE: 'b', OVER: '#deep', UP: '#tree.right' } },
        b: {
          entry: log('b in'),
          exit: log('b out'),
          on: { BACK: { target: 'a', actions: log('on the way') } },
        },
      },
    },
    right: {
      entry: log('right in'),
      exit: log('right out'),
      initial: 'c',
      states: {
        c: {
          entry: log('c in'),
          exit: log('c out'),
          initial: 'd',
          states: { d: { entry: log('d in'), exit: log('d out') }, e: { id: 'deep', entry: log('e in') } },
        },
      },
      on: { HOME: 'left', SELF: { target: '.c', actions: log('down again') } },
    },
  },
});

export const cases: Scripts = {
  trafficLight: {
    script: [
      [start, 'green'],
      [send('TIMER'), 'yellow'],
      [send('NOBODY'), 'yellow'],
      [send('TIMER'), 'red'],
      [send('TIMER'), 'green'],
      [send('FAULT'), 'red'],
    ],
  },
  selfTransitions: {
    script: [
      [start, { open: 'idle' }],
      [send('TYPE'), { open: 'dirty' }],
      [send('TOUCH'), { open: 'dirty' }],
      [send('RESET'), { open: 'idle' }],
      [send('TYPE'), { open: 'dirty' }],
      [send('REOPEN'), { open: 'idle' }],
    ],
    context: { touched: 1 },
    logged: ['enter open', 'leave open', 'enter open'],
  },
  forbidden: {
    script: [
      [start, { form: 'editing' }],
      [send('LOGOUT'), { form: 'editing' }],
      [send('LOCK'), { form: 'locked' }],
      [send('SAVE'), { form: 'locked' }],
      [send('LOGOUT'), 'out'],
    ],
  },
  wildcards: {
    script: [
      [start, 'listening'],
      [send('mouse.click'), 'listening'],
      [send('mouse.move.fast'), 'listening'],
      [send('scroll'), 'listening'],
      [send('key.down'), 'typing'],
      [send('anything'), 'listening'],
      [send('key.down.enter'), 'typing'],
    ],
    context: { seen: ['exactly a click', 'mouse: mouse.move.fast', 'any: scroll'] },
  },
  acrossTheTree: {
    script: [
      [start, { left: 'a' }],
      [send('SIDE'), { left: 'b' }],
      [send('BACK'), { left: 'a' }],
      [send('OVER'), { right: { c: 'e' } }],
      [send('SELF'), { right: { c: 'd' } }],
      [send('HOME'), { left: 'a' }],
      [send('UP'), { right: { c: 'd' } }],
    ],
    logged: [
      'root in',
      'left in',
      'a in',
      'a out',
      'b in',
      'b out',
      'on the way',
      'a in',
      'a out',
      'left out',
      'right in',
      'c in',
      'e in',
      'c out',
      'down again',
      'c in',
      'd in',
      'd out',
      'c out',
      'right out',
      'left in',
      'a in',
      'a out',
      'left out',
      'right in',
      'c in',
      'd in',
    ],
  },
};

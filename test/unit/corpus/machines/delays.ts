// Delayed transitions and delayed events: named and dynamic delays, cancelling, debouncing, starting anew.
import { assign, cancel, createMachine, log, raise, sendTo, setup } from 'xstate';
import type { Scripts } from '../case.ts';
import { send, start, wait } from '../case.ts';

export const timedLight = setup({
  delays: { GREEN: 3_000, YELLOW: ({ context }: { context: { hurry: number } }) => 1_000 / context.hurry },
  types: { context: {} as { hurry: number } },
}).createMachine({
  context: { hurry: 1 },
  initial: 'green',
  states: {
    green: { after: { GREEN: 'yellow' } },
    yellow: { after: { YELLOW: 'red' } },
    red: {
      after: { 2_000: { target: 'green', actions: assign({ hurry: ({ context }) => context.hurry * 2 }) } },
    },
  },
});

export const impatient = createMachine({
  initial: 'waiting',
  states: {
    waiting: {
      after: {
        100: { actions: log('still here') },
        200: [{ guard: () => false, target: 'never' }, { target: 'bored' }],
        900: 'gone',
      },
      on: { AGAIN: { target: 'waiting', reenter: true }, LEAVE: 'gone', NUDGE: { actions: log('nudged') } },
    },
    bored: { after: { 500: 'waiting' } },
    gone: {},
    never: {},
  },
});

export const debounce = setup({
  types: {
    context: {} as { typed: string; sent: string[] },
    events: {} as { type: 'KEY'; key: string } | { type: 'SEND' },
  },
}).createMachine({
  context: { typed: '', sent: [] },
  on: {
    KEY: {
      actions: [
        assign({ typed: ({ context, event }) => context.typed + event.key }),
        cancel('search'),
        raise({ type: 'SEND' }, { delay: 300, id: 'search' }),
      ],
    },
    SEND: { actions: assign({ sent: ({ context }) => [...context.sent, context.typed] }) },
  },
});

/** Without ids nothing cancels anything; equal instants keep their order; no delay is no wait. */
export const reminders = setup({
  types: { context: {} as { heard: string[] } },
  delays: { soon: 50, byEvent: ({ event }) => (event as unknown as { ms: number }).ms },
}).createMachine({
  context: { heard: [] },
  initial: 'on',
  states: {
    on: {
      entry: [
        raise({ type: 'RING', what: 'one' }, { delay: 'soon' }),
        raise({ type: 'RING', what: 'two' }, { delay: 50 }),
        raise({ type: 'RING', what: 'three' }, { delay: () => 40 }),
        raise({ type: 'RING', what: 'at once' }),
        raise({ type: 'RING', what: 'zero' }, { delay: 0 }),
      ],
      on: {
        RING: {
          actions: assign({
            heard: ({ context, event }) => [...context.heard, (event as unknown as { what: string }).what],
          }),
        },
        LATER: { actions: raise(({ event }) => ({ ...event, type: 'RING' }), { delay: 'byEvent' }) },
        ME: {
          actions: sendTo(({ self }) => self, { type: 'RING', what: 'myself' }, { delay: 10, id: 'me' }),
        },
        NOT_ME: { actions: cancel('me') },
        OFF: 'off',
      },
    },
    off: {},
  },
});

export const cases: Scripts = {
  timedLight: {
    script: [
      [start, 'green'],
      [wait(2_999), 'green'],
      [wait(1), 'yellow'],
      [wait(1_000), 'red'],
      [wait(2_000), 'green'],
      [wait(3_500), 'red'],
      [wait(2_000), 'green'],
      [wait(3_249), 'yellow'],
      [wait(1), 'red'],
    ],
  },
  impatient: {
    script: [
      [start, 'waiting'],
      [wait(150), 'waiting'],
      [send('AGAIN'), 'waiting'],
      [wait(150), 'waiting'],
      [wait(50), 'bored'],
      [wait(499), 'bored'],
      [wait(101), 'waiting'],
      [send('NUDGE'), 'waiting'],
      [send('LEAVE'), 'gone'],
      [wait(5_000), 'gone'],
    ],
    logged: ['still here', 'still here', 'still here', 'nudged'],
  },
  debounce: {
    script: [
      [start, {}],
      [send('KEY', { key: 'a' }), {}],
      [wait(299), {}],
      [send('KEY', { key: 'b' }), {}],
      [wait(299), {}],
      [send('KEY', { key: 'c' }), {}],
      [wait(300), {}],
      [send('KEY', { key: 'd' }), {}],
      [wait(1_000), {}],
    ],
    context: { sent: ['abc', 'abcd'] },
  },
  reminders: {
    script: [
      [start, 'on'],
      [wait(45), 'on'],
      [wait(5), 'on'],
      [send('LATER', { ms: 20, what: 'later' }), 'on'],
      [send('ME'), 'on'],
      [wait(15), 'on'],
      [send('ME'), 'on'],
      [send('NOT_ME'), 'on'],
      [wait(15), 'on'],
      [send('ME'), 'on'],
      [send('OFF'), 'off'],
      [wait(100), 'off'],
    ],
    context: { heard: ['at once', 'zero', 'three', 'one', 'two', 'myself', 'later'] },
  },
};

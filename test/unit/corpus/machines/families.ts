// Machines as children: told and telling, forwarded to, followed, with grandchildren.
import {
  assign,
  createMachine,
  emit,
  forwardTo,
  fromPromise,
  sendParent,
  sendTo,
  setup,
  stopChild,
} from 'xstate';
import type { Scripts } from '../case.ts';
import { send, sendChild, start, wait } from '../case.ts';
import { later } from '../clock.ts';

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

export const house = setup({
  types: { context: {} as { log: unknown[] } },
  actors: { alarm },
  actions: { note: assign({ log: ({ context, event }) => [...context.log, Object.values(event).slice(1)] }) },
}).createMachine({
  context: { log: [] },
  initial: 'guarded',
  states: {
    guarded: {
      invoke: {
        id: 'alarm',
        src: 'alarm',
        input: { rings: 2 },
        onDone: {
          target: 'quiet',
          actions: assign({ log: ({ context, event }) => [...context.log, event.output] }),
        },
        onError: {
          target: 'damaged',
          actions: assign({ log: ({ context, event }) => [...context.log, (event.error as Error).message] }),
        },
      },
      on: {
        RANG: { actions: 'note' },
        KNOCK: { actions: sendTo('alarm', { type: 'RING' }) },
        RING: { actions: forwardTo('alarm') },
        LATER: { actions: sendTo('alarm', { type: 'RING' }, { delay: 100, id: 'ring' }) },
        LEAVE: 'left',
      },
    },
    quiet: { on: { ARM: 'guarded' } },
    damaged: { on: { ARM: 'guarded' } },
    left: { on: { ARM: 'guarded' } },
  },
});

/** onSnapshot: the parent follows its child, from its first snapshot to the last before its end. */
export const follower = setup({
  types: { context: {} as { seen: unknown[] } },
  actors: { alarm },
}).createMachine({
  context: { seen: [] },
  invoke: {
    id: 'alarm',
    src: 'alarm',
    onSnapshot: {
      actions: assign({
        seen: ({ context, event }) => [
          ...context.seen,
          [
            event.snapshot.status,
            event.snapshot.value,
            event.snapshot.context.rings,
            event.snapshot.matches('armed'),
            event.snapshot.hasTag('armed'),
          ],
        ],
      }),
    },
    onDone: { actions: assign({ seen: ({ context }) => [...context.seen, 'done'] }) },
  },
  on: { RANG: { actions: assign({ seen: ({ context }) => [...context.seen, 'rang'] }) } },
});

const leaf = createMachine({
  id: 'leaf',
  initial: 'green',
  states: {
    green: { on: { AUTUMN: { target: 'brown', actions: sendParent({ type: 'FELL' }) } } },
    brown: { on: { WINTER: 'gone' } },
    gone: { type: 'final' },
  },
  output: 'compost',
});
const branch = setup({ actors: { leaf } }).createMachine({
  id: 'branch',
  initial: 'bearing',
  states: {
    bearing: {
      invoke: {
        id: 'leaf',
        src: 'leaf',
        onDone: {
          target: 'bare',
          actions: sendParent(({ event }) => ({ type: 'MULCH', what: event.output })),
        },
      },
      on: { FELL: { actions: sendParent({ type: 'RUSTLE' }) } },
    },
    bare: {},
  },
});
export const tree = setup({
  types: { context: {} as { heard: unknown[] } },
  actors: { branch },
  actions: { hear: assign({ heard: ({ context, event }) => [...context.heard, event.type] }) },
}).createMachine({
  context: { heard: [] },
  invoke: [
    { id: 'north', src: 'branch' },
    { id: 'south', src: 'branch' },
  ],
  on: { RUSTLE: { actions: 'hear' }, MULCH: { actions: 'hear' }, CUT: { actions: stopChild('south') } },
});

export const cases: Scripts = {
  house: {
    script: [
      [start, 'guarded'],
      [send('KNOCK'), 'guarded'],
      [send('RING'), 'quiet'],
      [send('ARM'), 'guarded'],
      [sendChild('alarm', 'RING'), 'guarded'],
      [sendChild('alarm', 'BREAK'), 'guarded'],
      [wait(5), 'damaged'],
      [send('ARM'), 'guarded'],
      [send('LATER'), 'guarded'],
      [wait(99), 'guarded'],
      [wait(1), 'guarded'],
      [send('LATER'), 'guarded'],
      [send('LEAVE'), 'left'],
      [wait(200), 'left'],
      [send('ARM'), 'guarded'],
      [sendChild('alarm', 'OFF'), 'quiet'],
    ],
    context: { log: [[1], [0], { left: 0 }, [1], 'short circuit', [1], { left: 2 }] },
  },
  follower: {
    script: [
      [start, {}],
      [sendChild('alarm', 'RING'), {}],
      [sendChild('alarm', 'NOBODY'), {}],
      [sendChild('alarm', 'RING'), {}],
    ],
    context: {
      seen: [
        ['active', 'armed', 2, true, true],
        'rang',
        ['active', 'armed', 1, true, true],
        ['active', 'armed', 1, true, true],
        'rang',
        'done',
      ],
    },
  },
  tree: {
    script: [
      [start, {}],
      [sendChild(['north', 'leaf'], 'AUTUMN'), {}],
      [sendChild(['south', 'leaf'], 'AUTUMN'), {}],
      [sendChild(['north', 'leaf'], 'WINTER'), {}],
      [send('CUT'), {}],
    ],
    context: { heard: ['RUSTLE', 'RUSTLE', 'MULCH'] },
  },
};

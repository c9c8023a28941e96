// Small devices: a vending machine, a lift, a form with steps.
import { and, assign, emit, enqueueActions, log, not, raise, setup, stateIn } from 'xstate';
import type { Scripts } from '../case.ts';
import { send, start, wait } from '../case.ts';

/** Coins in, product out, change back, and everything back after a while. */
export const vendingMachine = setup({
  types: {
    context: {} as { credit: number; stock: Record<string, number> },
    events: {} as { type: 'COIN'; value: number } | { type: 'CHOOSE'; item: string } | { type: 'CANCEL' },
    emitted: {} as { type: 'change'; value: number } | { type: 'product'; item: string },
  },
  guards: {
    affordable: ({ context }) => context.credit >= 150,
    inStock: ({ context, event }) => event.type === 'CHOOSE' && (context.stock[event.item] ?? 0) > 0,
  },
  actions: {
    giveBack: enqueueActions(({ context, enqueue }) => {
      if (context.credit === 0) return;
      enqueue.emit({ type: 'change', value: context.credit });
      enqueue.assign({ credit: 0 });
    }),
  },
  delays: { patience: 30_000 },
}).createMachine({
  context: { credit: 0, stock: { tea: 1, juice: 2 } },
  initial: 'idle',
  states: {
    idle: { entry: 'giveBack', on: { COIN: 'paying' } },
    paying: {
      entry: assign({
        credit: ({ context, event }) => context.credit + (event.type === 'COIN' ? event.value : 0),
      }),
      after: { patience: 'idle' },
      on: {
        COIN: { target: 'paying', reenter: true },
        CANCEL: 'idle',
        CHOOSE: [
          { guard: and(['affordable', 'inStock']), target: 'serving' },
          { guard: not('inStock'), actions: log(({ event }) => `no ${event.item}`) },
        ],
      },
    },
    serving: {
      entry: [
        emit(({ event }) => ({ type: 'product', item: event.type === 'CHOOSE' ? event.item : '' })),
        assign(({ context, event }) => {
          if (event.type !== 'CHOOSE') return {};
          return {
            credit: context.credit - 150,
            stock: { ...context.stock, [event.item]: (context.stock[event.item] ?? 0) - 1 },
          };
        }),
      ],
      always: 'idle',
    },
  },
});

/** A lift with its door in one region and its cabin in the other. */
export const lift = setup({
  types: {
    context: {} as { floor: number; calls: number[] },
    events: {} as { type: 'CALL'; floor: number } | { type: 'BLOCK' } | { type: 'DOOR_SHUT' },
  },
  guards: {
    called: ({ context }) => context.calls.length > 0,
    arrived: ({ context }) => context.calls[0] === context.floor,
  },
}).createMachine({
  id: 'lift',
  context: { floor: 0, calls: [] },
  type: 'parallel',
  on: {
    CALL: {
      actions: assign({
        calls: ({ context, event }) =>
          context.calls.includes(event.floor) ? context.calls : [...context.calls, event.floor],
      }),
    },
  },
  states: {
    door: {
      initial: 'shut',
      states: {
        shut: {},
        open: { after: { 3_000: 'shutting' } },
        shutting: {
          after: { 1_000: { target: 'shut', actions: raise({ type: 'DOOR_SHUT' }) } },
          on: { BLOCK: 'open' },
        },
      },
    },
    cabin: {
      initial: 'waiting',
      states: {
        waiting: { always: { guard: and(['called', stateIn('#lift.door.shut')]), target: 'moving' } },
        moving: {
          always: {
            guard: 'arrived',
            target: ['waiting', '#lift.door.open'],
            actions: assign({ calls: ({ context }) => context.calls.slice(1) }),
          },
          after: {
            500: {
              target: 'moving',
              reenter: true,
              actions: assign({
                floor: ({ context }) => context.floor + Math.sign((context.calls[0] ?? 0) - context.floor),
              }),
            },
          },
        },
      },
    },
  },
});

/** Steps forward and back with a memory, and a summary at the end. */
export const wizard = setup({
  types: {
    context: {} as { answers: Record<string, string> },
    events: {} as { type: 'ANSWER'; text: string } | { type: 'BACK' } | { type: 'HELP' } | { type: 'CLOSE' },
  },
  actions: {
    keep: assign({
      answers: ({ context, event }, { as }: { as: string }) => ({
        ...context.answers,
        [as]: event.type === 'ANSWER' ? event.text : '',
      }),
    }),
  },
}).createMachine({
  context: { answers: {} },
  initial: 'steps',
  states: {
    steps: {
      initial: 'name',
      on: { HELP: 'help' },
      states: {
        name: { on: { ANSWER: { target: 'plan', actions: { type: 'keep', params: { as: 'name' } } } } },
        plan: {
          on: {
            BACK: 'name',
            ANSWER: { target: 'confirm', actions: { type: 'keep', params: { as: 'plan' } } },
          },
        },
        confirm: {
          on: {
            BACK: 'plan',
            ANSWER: [{ guard: ({ event }) => event.text === 'yes', target: 'sure' }, { target: 'name' }],
          },
        },
        sure: { type: 'final', output: ({ context }) => Object.keys(context.answers).length },
        before: { type: 'history' },
      },
      onDone: { target: 'done', actions: log(({ event }) => event.output) },
    },
    help: { on: { CLOSE: 'steps.before' } },
    done: { type: 'final' },
  },
  output: ({ context }) => context.answers,
});

export const cases: Scripts = {
  vendingMachine: {
    script: [
      [start, 'idle'],
      [send('COIN', { value: 100 }), 'paying'],
      [send('CHOOSE', { item: 'tea' }), 'paying'],
      [send('COIN', { value: 100 }), 'paying'],
      [send('CHOOSE', { item: 'cake' }), 'paying'],
      [send('CHOOSE', { item: 'tea' }), 'idle'],
      [send('COIN', { value: 200 }), 'paying'],
      [wait(29_999), 'paying'],
      [send('COIN', { value: 5 }), 'paying'],
      [wait(29_999), 'paying'],
      [wait(1), 'idle'],
    ],
    emitted: [
      { type: 'product', item: 'tea' },
      { type: 'change', value: 50 },
      { type: 'change', value: 205 },
    ],
    logged: ['no cake'],
    context: { credit: 0, stock: { tea: 0, juice: 2 } },
  },
  lift: {
    script: [
      [start, { door: 'shut', cabin: 'waiting' }],
      [send('CALL', { floor: 2 }), { door: 'shut', cabin: 'moving' }],
      [wait(500), { door: 'shut', cabin: 'moving' }],
      [send('CALL', { floor: 1 }), { door: 'shut', cabin: 'moving' }],
      [wait(500), { door: 'open', cabin: 'waiting' }],
      [wait(3_500), { door: 'shutting', cabin: 'waiting' }],
      [send('BLOCK'), { door: 'open', cabin: 'waiting' }],
      [wait(4_000), { door: 'shut', cabin: 'moving' }],
      [wait(500), { door: 'open', cabin: 'waiting' }],
      [wait(10_000), { door: 'shut', cabin: 'waiting' }],
    ],
    context: { floor: 1, calls: [] },
  },
  wizard: {
    script: [
      [start, { steps: 'name' }],
      [send('ANSWER', { text: 'Ada' }), { steps: 'plan' }],
      [send('HELP'), 'help'],
      [send('CLOSE'), { steps: 'plan' }],
      [send('ANSWER', { text: 'big' }), { steps: 'confirm' }],
      [send('BACK'), { steps: 'plan' }],
      [send('ANSWER', { text: 'small' }), { steps: 'confirm' }],
      [send('ANSWER', { text: 'yes' }), 'done'],
    ],
    output: { name: 'Ada', plan: 'small' },
    logged: [2],
  },
};

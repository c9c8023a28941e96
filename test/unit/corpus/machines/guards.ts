// Guards and eventless transitions: inline, by name, with parameters, combined, and looking at the state.
import { and, assign, createMachine, not, or, raise, setup, stateIn } from 'xstate';
import type { Scripts } from '../case.ts';
import { send, start } from '../case.ts';

export const ageGate = setup({
  types: { context: {} as { age: number }, input: {} as { age: number } },
  guards: {
    olderThan: ({ context }, { years }: { years: number }) => context.age > years,
    withinLimit: (_, { amount, limit }: { amount: number; limit: number }) => amount <= limit,
  },
}).createMachine({
  context: ({ input }) => ({ age: input.age }),
  initial: 'outside',
  states: {
    outside: {
      on: {
        ENTER: [
          { guard: { type: 'olderThan', params: { years: 60 } }, target: 'lounge' },
          { guard: { type: 'olderThan', params: { years: 17 } }, target: 'bar' },
          { target: 'street' },
        ],
      },
    },
    bar: {
      on: {
        SPEND: {
          guard: {
            type: 'withinLimit',
            params: ({ context, event }) => ({
              amount: (event as unknown as { amount: number }).amount,
              limit: context.age,
            }),
          },
          target: 'lounge',
        },
      },
    },
    lounge: {},
    street: {},
  },
});

export const combined = setup({
  types: {
    context: {} as { admin: boolean; quota: number },
    events: {} as { type: 'DO'; n: number } | { type: 'SPEND' },
  },
  guards: {
    isAdmin: ({ context }) => context.admin,
    hasQuota: ({ context }) => context.quota > 0,
    allowed: or(['isAdmin', and(['hasQuota', ({ event }) => event.type === 'DO' && event.n < 10])]),
  },
}).createMachine({
  context: { admin: false, quota: 1 },
  initial: 'idle',
  on: { SPEND: { actions: assign({ quota: 0 }) } },
  states: {
    idle: {
      on: {
        DO: [
          { guard: 'allowed', target: 'done' },
          { guard: and([not('isAdmin'), not('hasQuota')]), target: 'refused' },
        ],
      },
    },
    done: {},
    refused: {},
  },
});

export const inState = createMachine({
  id: 'heater',
  type: 'parallel',
  states: {
    power: { initial: 'off', states: { off: { on: { POWER: 'on' } }, on: { on: { POWER: 'off' } } } },
    mode: {
      initial: 'cold',
      states: {
        cold: { on: { HEAT: { guard: stateIn({ power: 'on' }), target: 'warm' } } },
        warm: { always: { guard: not(stateIn('#heater.power.on')), target: 'cold' } },
      },
    },
  },
});

/** Eventless transitions run until nothing is left to do, context and all. */
export const collatz = setup({
  types: { context: {} as { n: number; steps: number }, events: {} as { type: 'START'; n: number } },
}).createMachine({
  context: { n: 1, steps: 0 },
  initial: 'resting',
  states: {
    resting: {
      on: { START: { target: 'deciding', actions: assign({ n: ({ event }) => event.n, steps: 0 }) } },
    },
    deciding: {
      always: [
        { guard: ({ context }) => context.n === 1, target: 'resting' },
        {
          guard: ({ context }) => context.n % 2 === 0,
          actions: assign({ n: ({ context }) => context.n / 2, steps: ({ context }) => context.steps + 1 }),
          target: 'deciding',
          reenter: true,
        },
        {
          actions: assign({
            n: ({ context }) => 3 * context.n + 1,
            steps: ({ context }) => context.steps + 1,
          }),
          target: 'deciding',
          reenter: true,
        },
      ],
    },
  },
});

export const exam = setup({
  types: { context: {} as { score: number; asked: string[] } },
  guards: { passed: ({ context }) => context.score >= 2 },
}).createMachine({
  context: { score: 0, asked: [] },
  initial: 'asking',
  states: {
    asking: {
      always: { guard: 'passed', target: 'passed' },
      on: {
        RIGHT: {
          actions: [
            assign({ score: ({ context }) => context.score + 1 }),
            raise({ type: 'NOTE', what: 'right' }),
          ],
        },
        WRONG: { actions: raise(({ context }) => ({ type: 'NOTE', what: `wrong at ${context.score}` })) },
        NOTE: {
          actions: assign({
            asked: ({ context, event }) => [...context.asked, (event as unknown as { what: string }).what],
          }),
        },
      },
    },
    passed: {
      on: { NOTE: { actions: assign({ asked: ({ context }) => [...context.asked, 'after the end'] }) } },
    },
  },
});

export const cases: Scripts = {
  ageGate: {
    input: { age: 30 },
    script: [
      [start, 'outside'],
      [send('ENTER'), 'bar'],
      [send('SPEND', { amount: 31 }), 'bar'],
      [send('SPEND', { amount: 30 }), 'lounge'],
    ],
  },
  combined: {
    script: [
      [start, 'idle'],
      [send('DO', { n: 10 }), 'idle'],
      [send('SPEND'), 'idle'],
      [send('DO', { n: 1 }), 'refused'],
    ],
  },
  inState: {
    script: [
      [start, { power: 'off', mode: 'cold' }],
      [send('HEAT'), { power: 'off', mode: 'cold' }],
      [send('POWER'), { power: 'on', mode: 'cold' }],
      [send('HEAT'), { power: 'on', mode: 'warm' }],
      [send('POWER'), { power: 'off', mode: 'cold' }],
    ],
  },
  collatz: {
    script: [
      [start, 'resting'],
      [send('START', { n: 27 }), 'resting'],
    ],
    context: { n: 1, steps: 111 },
  },
  exam: {
    script: [
      [start, 'asking'],
      [send('WRONG'), 'asking'],
      [send('RIGHT'), 'asking'],
      [send('RIGHT'), 'passed'],
    ],
    context: { score: 2, asked: ['wrong at 0', 'right', 'after the end'] },
  },
};

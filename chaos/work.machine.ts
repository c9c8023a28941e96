// What runs under the chaos: money moved by sagas, sums gathered from many agents, timers that must ring, work that is cancelled, and runs whose budget ends.
import { all, saga, scatterGather } from 'quorate';
import { assign, setup } from 'xstate';

export interface Transfer {
  readonly from: string;
  readonly to: string;
  readonly amount: number;
  /** The second step fails for good: the first is undone. */
  readonly refuse: boolean;
}

export const transfer = saga<Transfer, { debit: null; credit: null }>({
  id: 'transfer',
  steps: [
    { name: 'debit', agent: 'debit', compensate: 'refund' },
    { name: 'credit', agent: 'credit' },
  ],
  compensationAttempts: 100,
  backoffMs: 200,
});

export const gather = scatterGather({ id: 'gather', agents: ['square'], policy: all(), collect: 'counts' });

/** Its agents end only when they are told. */
export const vigil = scatterGather({ id: 'vigil', agents: ['watch'], policy: all(), collect: 'counts' });

/** Has a budget for half of its branches. */
export const spender = scatterGather({ id: 'spender', agents: ['spend'], policy: all(), collect: 'counts' });

const RINGS = 5;
const PAUSE_MS = 400;

/** Wakes itself five times, and says so to the world each time. */
export const sleeper = setup({
  types: { context: {} as { rings: number }, output: {} as { rings: number } },
  guards: { enough: ({ context }) => context.rings >= RINGS },
}).createMachine({
  id: 'sleeper',
  context: { rings: 0 },
  initial: 'asleep',
  states: {
    asleep: {
      always: { guard: 'enough', target: 'up' },
      after: {
        [PAUSE_MS]: {
          target: 'asleep',
          reenter: true,
          actions: assign({ rings: ({ context }) => context.rings + 1 }),
        },
      },
    },
    up: { type: 'final' },
  },
  output: ({ context }) => ({ rings: context.rings }),
});

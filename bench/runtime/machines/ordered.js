// Counts the numbers that it gets, and those that do not follow on the one before.
import { assign, setup } from 'xstate';
export const ordered = setup({}).createMachine({
  context: { last: -1, count: 0, wrong: 0 },
  on: {
    add: {
      actions: assign({
        count: ({ context }) => context.count + 1,
        wrong: ({ context, event }) => context.wrong + (event.n === context.last + 1 ? 0 : 1),
        last: ({ event }) => event.n,
      }),
    },
  },
});

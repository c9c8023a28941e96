import { agent } from 'quorate';
import { setup } from 'xstate';

/** Waits for three days to be approved, then is charged and shipped. */
export const order = setup({
  types: {
    context: {} as { amount: number },
    input: {} as { amount: number },
    events: {} as { type: 'approve' },
  },
  actors: { charge: agent<string, number>(), ship: agent<string, string>() },
}).createMachine({
  context: ({ input }) => input,
  initial: 'waiting',
  states: {
    waiting: { on: { approve: 'charging' }, after: { [3 * 24 * 3_600_000]: 'lapsed' } },
    charging: {
      invoke: {
        src: 'charge',
        input: ({ context }) => context.amount,
        onDone: 'shipping',
        onError: 'refused',
      },
    },
    shipping: {
      invoke: { src: 'ship', input: ({ self }) => self.id, onDone: 'shipped', onError: 'refused' },
    },
    shipped: { type: 'final' },
    refused: { type: 'final' },
    lapsed: { type: 'final' },
  },
});

import { agent } from 'quorate';
import { assign, setup } from 'xstate';

export interface Order {
  readonly item: string;
  readonly amount: number;
}

/** An order is paid for, waits for its parcel, and can be cancelled until then. */
export const order = setup({
  types: {
    context: {} as Order & { receipt?: string },
    input: {} as Order,
    events: {} as { type: 'shipped' },
    output: {} as { receipt: string },
  },
  actors: { charge: agent<{ receipt: string }, Order>() },
}).createMachine({
  context: ({ input }) => input,
  initial: 'paying',
  states: {
    paying: {
      invoke: {
        src: 'charge',
        input: ({ context: { item, amount } }) => ({ item, amount }),
        onDone: { target: 'paid', actions: assign({ receipt: ({ event }) => event.output.receipt }) },
        onError: 'refused',
      },
    },
    paid: { on: { shipped: 'delivered' } },
    refused: { type: 'final' },
    delivered: { type: 'final' },
  },
  output: ({ context }) => ({ receipt: context.receipt ?? '' }),
});

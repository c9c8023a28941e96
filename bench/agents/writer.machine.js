import { agent } from 'quorate';
import { setup } from 'xstate';

/** Has something written, as its input says, and ends. */
export const writer = setup({ actors: { write: agent() } }).createMachine({
  context: ({ input }) => ({ order: input }),
  initial: 'writing',
  states: {
    writing: {
      invoke: {
        id: 'text',
        src: 'write',
        input: ({ context }) => context.order,
        onDone: 'over',
        onError: 'over',
      },
    },
    over: { type: 'final' },
  },
});

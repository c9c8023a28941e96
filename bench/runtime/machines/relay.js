// The machine whose turns are counted: what it does costs next to nothing, so that a turn's price is the runtime's. Plain
// JavaScript: Node's type stripping would add 20 MB to every thread.
import { assign, emit, sendTo, setup } from 'xstate';

export const relay = setup({}).createMachine({
  id: 'relay',
  context: { count: 0 },
  on: {
    /** One output. */
    work: {
      actions: [
        assign({ count: ({ context }) => context.count + 1 }),
        emit(({ event }) => ({ type: 'worked', id: event.id })),
      ],
    },
    /** One output: the ball goes back to whoever played it, until it has been played often enough. */
    bounce: [
      {
        guard: ({ event }) => event.left > 0,
        actions: [
          assign({ count: ({ context }) => context.count + 1 }),
          sendTo(
            ({ event }) => ({ type: 'relay', id: event.from }),
            ({ event, context: _context }) => ({
              type: 'bounce',
              left: event.left - 1,
              from: event.to,
              to: event.from,
            }),
          ),
        ],
      },
      { actions: assign({ count: ({ context }) => context.count + 1 }) },
    ],
  },
});

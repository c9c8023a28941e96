import { agent, type PayloadRef } from 'quorate';
import { assign, setup } from 'xstate';

export interface Topic {
  readonly topic: string;
}

export const story = setup({
  types: {
    context: {} as { topic: string; pieces: number; text: PayloadRef | null },
    input: {} as Topic,
    output: {} as { pieces: number; text: PayloadRef | null },
    events: {} as { type: 'quorate.partial.writing'; seq: number; value: string },
  },
  actors: { write: agent<PayloadRef, Topic>() },
}).createMachine({
  context: ({ input }) => ({ topic: input.topic, pieces: 0, text: null }),
  initial: 'writing',
  states: {
    writing: {
      invoke: {
        id: 'writing',
        src: 'write',
        input: ({ context }) => ({ topic: context.topic }),
        onDone: { target: 'written', actions: assign({ text: ({ event }) => event.output }) },
        onError: 'refused',
      },
      on: {
        'quorate.partial.writing': { actions: assign({ pieces: ({ context }) => context.pieces + 1 }) },
      },
    },
    written: { type: 'final' },
    refused: { type: 'final' },
  },
  output: ({ context }) => ({ pieces: context.pieces, text: context.text }),
});

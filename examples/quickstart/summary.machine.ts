import { agent } from 'quorate';
import { setup } from 'xstate';

export type Summary = { words: number; opening: string };

export const summary = setup({
  types: { context: {} as { text: string }, input: {} as { text: string }, output: {} as Summary },
  actors: { summarize: agent<Summary, string>() },
}).createMachine({
  context: ({ input }) => input,
  initial: 'working',
  states: {
    working: { invoke: { src: 'summarize', input: ({ context }) => context.text, onDone: 'done' } },
    done: { type: 'final', output: ({ event }) => event.output },
  },
  output: ({ event }) => event.output as Summary,
});

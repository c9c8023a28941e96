import { assign, setup } from 'xstate';
import { headline } from './headline.machine.ts';

export const article = setup({
  types: {
    context: {} as { text: string; title: string },
    input: {} as { text: string },
    output: {} as { title: string },
  },
  actors: { headline },
}).createMachine({
  id: 'article',
  context: ({ input }) => ({ text: input?.text ?? '', title: 'Untitled' }),
  initial: 'naming',
  states: {
    naming: {
      invoke: {
        src: 'headline',
        input: ({ context }) => ({ request: { article: context.text } }),
        onDone: { target: 'named', actions: assign({ title: ({ event }) => event.output.offer }) },
        onError: 'named',
      },
    },
    named: { type: 'final' },
  },
  output: ({ context }) => ({ title: context.title }),
});

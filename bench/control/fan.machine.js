import { scatter } from 'quorate';
import { setup } from 'xstate';

/** Fans out as its input, a plan, says. */
export const fan = setup({ actors: { gather: scatter() } }).createMachine({
  context: ({ input }) => ({ plan: input }),
  output: ({ event }) => event.output ?? null,
  initial: 'gathering',
  states: {
    gathering: {
      invoke: { src: 'gather', input: ({ context }) => context.plan, onDone: 'over', onError: 'over' },
    },
    over: { type: 'final' },
  },
});

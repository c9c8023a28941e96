// A machine that keeps what reached it, in order, and says so to the world: one effect for each.
import { assign, emit, sendTo, setup } from 'xstate';
import { agent } from '../../src/machines/agent.ts';

type Note = { type: 'note'; n: number };

export const noteMachine = setup({
  types: {
    context: {} as { notes: (number | string)[]; pad: string },
    events: {} as
      | Note
      | { type: 'throw' }
      | { type: 'pad'; bytes: number }
      | { type: 'tell'; to: string; id: string; bytes?: number }
      | { type: 'ask' }
      | { type: 'ring' }
      | { type: 'quorate.partial.a'; value: string }
      | { type: 'finish' },
  },
  actors: { a: agent<string, null>() },
  actions: { ring: () => {} },
}).createMachine({
  id: 'notes',
  context: { notes: [], pad: '' },
  initial: 'open',
  states: {
    open: {
      on: {
        note: {
          actions: [
            assign({ notes: ({ context, event }) => [...context.notes, event.n] }),
            emit(({ event }) => ({ type: 'noted', n: event.n })),
          ],
        },
        throw: {
          actions: assign(() => {
            throw new Error('no');
          }),
        },
        pad: { actions: assign({ pad: ({ event }) => 'x'.repeat(event.bytes) }) },
        tell: {
          actions: sendTo(
            ({ event }) => ({ type: event.to, id: event.id }) as never,
            ({ event }) => ({ type: 'told', pad: 'x'.repeat(event.bytes ?? 0) }) as never,
          ),
        },
        ring: { actions: 'ring' },
        ask: 'asking',
        finish: 'closed',
      },
    },
    asking: {
      invoke: {
        id: 'a',
        src: 'a',
        input: null,
        onDone: {
          target: 'open',
          actions: assign({ notes: ({ context, event }) => [...context.notes, event.output] }),
        },
        onError: {
          target: 'open',
          actions: assign({
            notes: ({ context, event }) => [...context.notes, (event.error as { code: string }).code],
          }),
        },
      },
      on: {
        'quorate.partial.a': {
          actions: [
            assign({ notes: ({ context, event }) => [...context.notes, event.value] }),
            emit(({ event }) => ({ type: 'noted', n: event.value })),
          ],
        },
        finish: 'closed',
      },
    },
    closed: { type: 'final' },
  },
  output: ({ context }) => ({ notes: context.notes }),
});

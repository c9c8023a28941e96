// References to actors in contexts, inputs and events.
import type { AnyActorRef } from 'xstate';
import {
  assign,
  emit,
  fromPromise,
  log,
  raise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  stopChild,
} from 'xstate';
import type { Scripts } from '../case.ts';
import { send, sendChild, start } from '../case.ts';
import { later } from '../clock.ts';

const alarm = setup({
  types: {
    context: {} as { rings: number },
    input: {} as { rings: number } | undefined,
    output: {} as { left: number },
    events: {} as { type: 'RING' } | { type: 'OFF' } | { type: 'BREAK' },
  },
  actors: { fuse: fromPromise(() => later(5, new Error('short circuit'))) },
}).createMachine({
  id: 'alarm',
  context: ({ input }) => ({ rings: input?.rings ?? 2 }),
  initial: 'armed',
  states: {
    armed: {
      tags: ['armed'],
      on: {
        RING: {
          actions: [
            assign({ rings: ({ context }) => context.rings - 1 }),
            sendParent(({ context }) => ({ type: 'RANG', left: context.rings })),
            emit({ type: 'noise' }),
          ],
        },
        OFF: 'off',
        BREAK: 'broken',
      },
      always: { guard: ({ context }) => context.rings === 0, target: 'off' },
    },
    broken: { invoke: { src: 'fuse' } },
    off: { type: 'final' },
  },
  output: ({ context }) => ({ left: context.rings }),
});

const todo = setup({
  types: {
    context: {} as { text: string; parent: AnyActorRef },
    input: {} as { text: string; parent: AnyActorRef },
    events: {} as { type: 'TOGGLE' } | { type: 'REMOVE' } | { type: 'WHO'; sender: AnyActorRef },
  },
}).createMachine({
  context: ({ input }) => input,
  initial: 'open',
  states: { open: { on: { TOGGLE: 'closed' } }, closed: { on: { TOGGLE: 'open' } } },
  on: {
    REMOVE: {
      actions: sendTo(
        ({ context }) => context.parent,
        ({ self }) => ({ type: 'REMOVED', id: self.id }),
      ),
    },
    WHO: {
      actions: sendTo(
        ({ event }) => event.sender,
        ({ context }) => ({ type: 'I_AM', text: context.text }),
      ),
    },
  },
});

/** A list of spawned children with their references in the context; they answer through references they were given. */
export const todos = setup({
  types: {
    context: {} as { next: number; refs: Record<string, AnyActorRef>; said: string[] },
    events: {} as
      | { type: 'ADD'; text: string }
      | { type: 'REMOVED'; id: string }
      | { type: 'ASK'; id: string }
      | { type: 'I_AM'; text: string }
      | { type: 'TOGGLE_ALL' },
  },
  actors: { todo },
}).createMachine({
  context: { next: 1, refs: {}, said: [] },
  on: {
    ADD: {
      actions: [
        spawnChild('todo', {
          id: ({ context }) => `todo ${context.next}`,
          input: ({ event, self }) => ({
            text: (event as { text: string }).text,
            parent: self as AnyActorRef,
          }),
        }),
        raise({ type: 'KEEP' } as never),
        assign({ next: ({ context }) => context.next + 1 }),
      ],
    },
    REMOVED: {
      actions: [
        stopChild(({ event }) => event.id),
        assign({
          refs: ({ context, event }) =>
            Object.fromEntries(Object.entries(context.refs).filter(([id]) => id !== event.id)),
        }),
      ],
    },
    ASK: {
      actions: sendTo(
        ({ context, event }) => context.refs[event.id] as AnyActorRef,
        ({ self }) => ({ type: 'WHO', sender: self }),
      ),
    },
    I_AM: { actions: assign({ said: ({ context, event }) => [...context.said, event.text] }) },
    TOGGLE_ALL: {
      actions: assign({ refs: ({ self }) => self.getSnapshot().children as Record<string, AnyActorRef> }),
    },
  },
});

/** A reference outlives its actor: what is sent to it then is dropped, not taken for one's own. */
export const lingering = setup({
  types: { context: {} as { ref: AnyActorRef | null; mine: AnyActorRef | null; pings: number } },
  actors: { alarm },
}).createMachine({
  context: { ref: null, mine: null, pings: 0 },
  entry: spawnChild('alarm', { id: 'a' }),
  on: {
    KEEP: {
      actions: assign({
        ref: ({ self }) => self.getSnapshot().children['a'] as AnyActorRef,
        mine: ({ self }) => self as AnyActorRef,
      }),
    },
    STOP: { actions: stopChild('a') },
    RING: { actions: sendTo(({ context }) => context.ref as AnyActorRef, { type: 'RING' }) },
    ME: { actions: sendTo(({ context }) => context.mine as AnyActorRef, { type: 'PING' }) },
    PING: { actions: assign({ pings: ({ context }) => context.pings + 1 }) },
    RANG: { actions: log(({ event }) => event) },
    NOTHING: { actions: assign({}) },
  },
});

export const cases: Scripts = {
  todos: {
    script: [
      [start, {}],
      [send('ADD', { text: 'milk' }), {}],
      [send('ADD', { text: 'bread' }), {}],
      [send('TOGGLE_ALL'), {}],
      [sendChild('todo 1', 'TOGGLE'), {}],
      [send('ASK', { id: 'todo 2' }), {}],
      [send('ASK', { id: 'todo 1' }), {}],
      [sendChild('todo 1', 'REMOVE'), {}],
      [send('ASK', { id: 'todo 2' }), {}],
    ],
    context: { said: ['bread', 'milk', 'bread'] },
  },
  lingering: {
    script: [
      [start, {}],
      [send('KEEP'), {}],
      [send('RING'), {}],
      [send('ME'), {}],
      [send('STOP'), {}],
      [send('NOTHING'), {}],
      [send('RING'), {}],
      [send('RING'), {}],
      [send('ME'), {}],
    ],
    context: { pings: 2 },
    logged: [{ type: 'RANG', left: 1 }],
  },
};

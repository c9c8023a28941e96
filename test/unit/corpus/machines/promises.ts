// Invoked promises: input, output, errors, several at once, leaving early, entering again, spawning by name.
import { assign, createMachine, fromPromise, log, setup, spawnChild, stopChild } from 'xstate';
import type { Scripts } from '../case.ts';
import { send, start, wait } from '../case.ts';
import { later } from '../clock.ts';

const fetchUser = fromPromise(async ({ input }: { input: { id: string } }) => {
  if (input.id === 'nobody') throw new Error('no such user');
  return { name: `user ${input.id}` };
});

export const userLoader = setup({
  types: {
    context: {} as { id: string; user: { name: string } | null; error: string | null },
    input: {} as { id: string },
    events: {} as { type: 'RETRY'; id: string },
  },
  actors: { fetchUser },
}).createMachine({
  context: ({ input }) => ({ id: input.id, user: null, error: null }),
  initial: 'loading',
  states: {
    loading: {
      invoke: {
        src: 'fetchUser',
        input: ({ context }) => ({ id: context.id }),
        onDone: { target: 'shown', actions: assign({ user: ({ event }) => event.output }) },
        onError: {
          target: 'failed',
          actions: assign({ error: ({ event }) => (event.error as Error).message }),
        },
      },
    },
    failed: {
      on: { RETRY: { target: 'loading', actions: assign({ id: ({ event }) => event.id, error: null }) } },
    },
    shown: { type: 'final' },
  },
  output: ({ context }) => context.user,
});

/** Whichever answers first; the other is let go of, and what it says then is nobody's business. */
export const race = setup({
  types: { context: {} as { got: string[] } },
  actors: {
    slow: fromPromise(() => later(300, 'slow')),
    quick: fromPromise(() => later(100, 'quick')),
    broken: fromPromise(() => later(200, new Error('too late to matter'))),
  },
}).createMachine({
  context: { got: [] },
  initial: 'racing',
  states: {
    racing: {
      invoke: [
        {
          id: 'slow',
          src: 'slow',
          onDone: { actions: assign({ got: ({ context }) => [...context.got, 'slow'] }) },
        },
        {
          id: 'quick',
          src: 'quick',
          onDone: {
            target: 'won',
            actions: assign({ got: ({ context, event }) => [...context.got, event.output] }),
          },
        },
        { src: 'broken', onError: 'lost' },
      ],
      after: { 50: { actions: log('50 ms') }, 250: 'lost' },
    },
    won: { on: { AGAIN: 'racing' } },
    lost: {},
  },
});

export const together = setup({
  actors: {
    read: fromPromise(({ input }: { input: { file: string; ms: number } }) =>
      later(input.ms, input.file.length),
    ),
  },
}).createMachine({
  context: {},
  type: 'parallel',
  states: {
    one: {
      initial: 'reading',
      states: {
        reading: {
          invoke: {
            src: 'read',
            input: { file: 'a', ms: 20 },
            onDone: { target: 'read', actions: assign({ one: ({ event }) => event.output }) },
          },
        },
        read: { type: 'final' },
      },
    },
    two: {
      initial: 'reading',
      states: {
        reading: {
          invoke: {
            src: 'read',
            input: { file: 'bbb', ms: 10 },
            onDone: { target: 'read', actions: assign({ two: ({ event }) => event.output }) },
          },
        },
        read: { type: 'final' },
      },
    },
  },
  onDone: { actions: log('both') },
});

/** A re-entered state asks anew: the answer to the first question is stale (I9). */
export const typeahead = setup({
  types: {
    context: {} as { query: string; results: string[] },
    events: {} as { type: 'TYPE'; query: string },
  },
  actors: { search: fromPromise(({ input }: { input: string }) => later(100, [`${input} 1`, `${input} 2`])) },
}).createMachine({
  context: { query: '', results: [] },
  initial: 'idle',
  on: {
    TYPE: { target: '.searching', reenter: true, actions: assign({ query: ({ event }) => event.query }) },
  },
  states: {
    idle: {},
    searching: {
      invoke: {
        id: 'search',
        src: 'search',
        input: ({ context }) => context.query,
        onDone: { target: 'idle', actions: assign({ results: ({ event }) => event.output }) },
      },
      on: {
        TYPE: { target: 'searching', reenter: true, actions: assign({ query: ({ event }) => event.query }) },
      },
    },
  },
});

/** Nobody handles the error: the machine ends with it. */
export const unhandled = setup({
  actors: { fails: fromPromise(() => later(10, new Error('out of paper'))) },
}).createMachine({
  initial: 'printing',
  states: { printing: { invoke: { src: 'fails', onDone: 'printed' } }, printed: {} },
});

export const backoff = setup({
  types: { context: {} as { tries: number } },
  actors: {
    call: fromPromise(async ({ input }: { input: { tries: number } }) => {
      if (input.tries < 3) throw new Error(`busy ${input.tries}`);
      return input.tries;
    }),
  },
  delays: { backoff: ({ context }) => 100 * 2 ** context.tries },
  guards: { again: ({ context }) => context.tries < 5 },
}).createMachine({
  context: { tries: 0 },
  initial: 'calling',
  states: {
    calling: {
      entry: assign({ tries: ({ context }) => context.tries + 1 }),
      invoke: {
        src: 'call',
        input: ({ context }) => context,
        onDone: 'called',
        onError: [
          { guard: 'again', target: 'waiting', actions: log(({ event }) => (event.error as Error).message) },
          { target: 'gaveUp' },
        ],
      },
    },
    waiting: { after: { backoff: 'calling' } },
    called: { type: 'final' },
    gaveUp: { type: 'final' },
  },
  output: ({ context }) => context.tries,
});

/** Spawned by name: they live as long as the machine, or until they are stopped. */
export const jobs = setup({
  types: {
    context: {} as { done: unknown[] },
    events: {} as
      | { type: 'ADD'; n: number }
      | { type: 'DROP'; n: number }
      | { type: 'QUIET'; n: number }
      | { type: `xstate.done.actor.${string}`; output: number },
  },
  actors: { square: fromPromise(({ input }: { input: { n: number } }) => later(input.n * 10, input.n ** 2)) },
}).createMachine({
  context: { done: [] },
  on: {
    ADD: {
      actions: spawnChild('square', {
        id: ({ event }) => `job ${(event as { n: number }).n}`,
        input: ({ event }) => ({ n: (event as { n: number }).n }),
      }),
    },
    DROP: { actions: stopChild(({ event }) => `job ${event.n}`) },
    QUIET: { actions: spawnChild('square', { input: ({ event }) => ({ n: (event as { n: number }).n }) }) },
    'xstate.done.actor.*': {
      actions: assign({ done: ({ context, event }) => [...context.done, event.output] }),
    },
  },
});

/** An answer of nothing is an answer. */
export const silent = createMachine(
  {
    types: {} as { context: { got: string } },
    context: { got: 'nothing yet' },
    initial: 'asking',
    states: {
      asking: {
        invoke: {
          src: 'nothing',
          onDone: {
            target: 'told',
            actions: assign({ got: ({ event }) => String(event.output ?? 'nothing') }),
          },
        },
      },
      told: {},
    },
  },
  { actors: { nothing: fromPromise(async ({ input }) => void input) } },
);

export const cases: Scripts = {
  userLoader: {
    input: { id: 'nobody' },
    script: [
      [start, 'failed'],
      [send('RETRY', { id: 'nobody' }), 'failed'],
      [send('RETRY', { id: '7' }), 'shown'],
    ],
    context: { error: null },
    output: { name: 'user 7' },
  },
  race: {
    script: [
      [start, 'racing'],
      [wait(100), 'won'],
      [wait(50), 'won'],
      [send('AGAIN'), 'racing'],
      [wait(60), 'racing'],
      [wait(1_000), 'won'],
    ],
    context: { got: ['quick', 'quick'] },
    logged: ['50 ms', '50 ms'],
  },
  together: {
    script: [
      [start, { one: 'reading', two: 'reading' }],
      [wait(15), { one: 'reading', two: 'read' }],
      [wait(15), { one: 'read', two: 'read' }],
    ],
    context: { one: 1, two: 3 },
    status: 'done',
  },
  typeahead: {
    script: [
      [start, 'idle'],
      [send('TYPE', { query: 'x' }), 'searching'],
      [wait(60), 'searching'],
      [send('TYPE', { query: 'xs' }), 'searching'],
      [wait(60), 'searching'],
      [wait(40), 'idle'],
      [send('TYPE', { query: 'xst' }), 'searching'],
      [wait(100), 'idle'],
    ],
    context: { results: ['xst 1', 'xst 2'] },
  },
  unhandled: {
    script: [
      [start, 'printing'],
      [wait(10), 'printing'],
    ],
    status: 'error',
  },
  backoff: {
    script: [
      [start, 'waiting'],
      [wait(200), 'waiting'],
      [wait(399), 'waiting'],
      [wait(1), 'called'],
    ],
    output: 3,
    logged: ['busy 1', 'busy 2'],
  },
  jobs: {
    script: [
      [start, {}],
      [send('ADD', { n: 3 }), {}],
      [send('ADD', { n: 2 }), {}],
      [send('ADD', { n: 4 }), {}],
      [send('DROP', { n: 3 }), {}],
      [send('DROP', { n: 9 }), {}],
      [send('QUIET', { n: 1 }), {}],
      [wait(25), {}],
      [send('ADD', { n: 3 }), {}],
      [wait(100), {}],
    ],
    context: { done: [1, 4, 16, 9] },
  },
  silent: { script: [[start, 'told']], context: { got: 'nothing' } },
};

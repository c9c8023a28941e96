// What backends are made of: a circuit breaker, a pool of workers, a draft and its critic.
import { assign, enqueueActions, fromPromise, sendParent, setup, stopChild } from 'xstate';
import type { Scripts } from '../case.ts';
import { send, start, wait } from '../case.ts';
import { later } from '../clock.ts';

/** Closed, open, half open: how often a call may fail before nobody asks any more. */
export const circuitBreaker = setup({
  types: {
    context: {} as { failures: number; answers: unknown[] },
    events: {} as { type: 'CALL'; n: number },
  },
  actors: {
    call: fromPromise(async ({ input }: { input: number }) => {
      if (input < 0) throw Object.assign(new Error('negative'), { code: 'NEGATIVE' });
      return Math.sqrt(input);
    }),
  },
  guards: { tooMany: ({ context }) => context.failures >= 1 },
  actions: { refuse: assign({ answers: ({ context }) => [...context.answers, 'refused'] }) },
}).createMachine({
  context: { failures: 0, answers: [] },
  initial: 'closed',
  states: {
    closed: {
      initial: 'ready',
      states: {
        ready: { on: { CALL: 'calling' } },
        calling: {
          invoke: {
            src: 'call',
            input: ({ event }) => (event.type === 'CALL' ? event.n : 0),
            onDone: {
              target: 'ready',
              actions: assign({
                failures: 0,
                answers: ({ context, event }) => [...context.answers, event.output],
              }),
            },
            onError: [
              { guard: 'tooMany', target: '#open' },
              {
                target: 'ready',
                actions: assign({
                  failures: ({ context }) => context.failures + 1,
                  answers: ({ context, event }) => [
                    ...context.answers,
                    (event.error as { code: string }).code,
                  ],
                }),
              },
            ],
          },
        },
      },
    },
    open: {
      id: 'open',
      tags: ['broken'],
      after: { 10_000: 'halfOpen' },
      on: { CALL: { actions: 'refuse' } },
    },
    halfOpen: { entry: assign({ failures: 1 }), on: { CALL: 'closed.calling' } },
  },
});

const worker = setup({
  types: {
    input: {} as { job: number },
    output: {} as { job: number; result: number },
    context: {} as { job: number; result: number },
  },
  actors: { compute: fromPromise(({ input }: { input: number }) => later(input * 10, input * input)) },
}).createMachine({
  context: ({ input }) => ({ job: input.job, result: 0 }),
  initial: 'computing',
  states: {
    computing: {
      tags: ['busy'],
      invoke: {
        src: 'compute',
        input: ({ context }) => context.job,
        onDone: { target: 'done', actions: assign({ result: ({ event }) => event.output }) },
      },
      after: { 35: 'slow' },
    },
    slow: { entry: sendParent(({ context }) => ({ type: 'SLOW', job: context.job })) },
    done: { type: 'final' },
  },
  output: ({ context }) => context,
});

/** Several workers at once, each a machine with a task of its own; the first answers are enough. */
export const pool = setup({
  types: {
    context: {} as { results: number[]; slow: number[]; seen: string[] },
    events: {} as
      | { type: 'RUN'; jobs: number[] }
      | { type: 'SLOW'; job: number }
      | { type: `xstate.done.actor.${string}`; output: { job: number; result: number } },
  },
  actors: { worker },
}).createMachine({
  context: { results: [], slow: [], seen: [] },
  initial: 'idle',
  on: { SLOW: { actions: assign({ slow: ({ context, event }) => [...context.slow, event.job] }) } },
  states: {
    idle: { on: { RUN: 'running' } },
    running: {
      entry: enqueueActions(({ event, enqueue }) => {
        if (event.type !== 'RUN') return;
        for (const job of event.jobs) enqueue.spawnChild('worker', { id: `worker-${job}`, input: { job } });
      }),
      on: {
        'xstate.done.actor.*': {
          actions: [
            assign({
              results: ({ context, event }) => [...context.results, event.output.result],
              seen: ({ context, event }) => [...context.seen, event.type.slice('xstate.done.actor.'.length)],
            }),
            stopChild(({ event }) => event.type.slice('xstate.done.actor.'.length)),
          ],
        },
      },
      always: { guard: ({ context }) => context.results.length >= 2, target: 'enough' },
    },
    enough: {
      entry: enqueueActions(({ enqueue, self }) => {
        for (const id of Object.keys(self.getSnapshot().children)) enqueue.stopChild(id);
      }),
    },
  },
});

/** A draft goes to a critic until the critic is content, or the rounds are over, or nobody has time. */
export const review = setup({
  types: {
    context: {} as { draft: string; rounds: number; verdicts: string[] },
    input: {} as { topic: string },
  },
  actors: {
    write: fromPromise(({ input }: { input: { draft: string; notes: string[] } }) =>
      later(100, `${input.draft}${'!'.repeat(input.notes.length)}`),
    ),
    criticize: fromPromise(({ input }: { input: string }) =>
      later(50, input.endsWith('!!') ? 'good' : 'again'),
    ),
  },
  delays: { deadline: 1_000 },
}).createMachine({
  context: ({ input }) => ({ draft: input.topic, rounds: 0, verdicts: [] }),
  initial: 'working',
  states: {
    working: {
      after: { deadline: 'late' },
      initial: 'writing',
      states: {
        writing: {
          entry: assign({ rounds: ({ context }) => context.rounds + 1 }),
          invoke: {
            id: 'writer',
            src: 'write',
            input: ({ context }) => ({ draft: context.draft, notes: context.verdicts }),
            onDone: { target: 'judging', actions: assign({ draft: ({ event }) => event.output }) },
          },
        },
        judging: {
          invoke: {
            id: 'critic',
            src: 'criticize',
            input: ({ context }) => context.draft,
            onDone: [
              { guard: ({ event }) => event.output === 'good', target: '#accepted' },
              {
                guard: ({ context }) => context.rounds < 5,
                target: 'writing',
                actions: assign({ verdicts: ({ context, event }) => [...context.verdicts, event.output] }),
              },
              { target: '#late' },
            ],
          },
        },
      },
    },
    accepted: { id: 'accepted', type: 'final' },
    late: { id: 'late', type: 'final' },
  },
  output: ({ context }) => ({ draft: context.draft, rounds: context.rounds }),
});

export const cases: Scripts = {
  circuitBreaker: {
    script: [
      [start, { closed: 'ready' }],
      [send('CALL', { n: 4 }), { closed: 'ready' }],
      [send('CALL', { n: -1 }), { closed: 'ready' }],
      [send('CALL', { n: -1 }), 'open'],
      [send('CALL', { n: 4 }), 'open'],
      [wait(10_000), 'halfOpen'],
      [send('CALL', { n: 9 }), { closed: 'ready' }],
    ],
    context: { failures: 0, answers: [2, 'NEGATIVE', 'refused', 3] },
  },
  pool: {
    script: [
      [start, 'idle'],
      [send('RUN', { jobs: [5, 2, 4, 1] }), 'running'],
      [wait(10), 'running'],
      [wait(10), 'enough'],
      [wait(100), 'enough'],
      [send('RUN', { jobs: [1] }), 'enough'],
    ],
    context: { results: [1, 4], slow: [], seen: ['worker-1', 'worker-2'] },
  },
  review: {
    input: { topic: 'durable' },
    script: [
      [start, { working: 'writing' }],
      [wait(100), { working: 'judging' }],
      [wait(50), { working: 'writing' }],
      [wait(150), { working: 'writing' }],
      [wait(1_000), 'accepted'],
    ],
    output: { draft: 'durable!!!', rounds: 3 },
  },
};

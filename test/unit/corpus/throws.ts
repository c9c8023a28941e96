// Machines that throw where they are told to, on an input that nobody outside has sent: one for each kind of such inputs.
// They share the state that is entered then, in which everything that a machine computes can throw.
import type { AnyStateMachine } from 'xstate';
import {
  assign,
  createMachine,
  emit,
  enqueueActions,
  fromPromise,
  log,
  raise,
  sendTo,
  setup,
  spawnChild,
} from 'xstate';

/** Everything of a machine that runs inside a turn. */
export const PLACES = [
  'guard',
  'assign',
  'params',
  'exit',
  'entry',
  'emit',
  'log',
  'raise',
  'sendTo',
  'enqueued',
  'invoke input',
  'spawn input',
  'delay',
  'always guard',
  'always assign',
  'state output',
  'output',
] as const;
export type Place = (typeof PLACES)[number];

interface Context {
  readonly place: Place | null;
  readonly seen: number;
}

function at(place: Place, { context }: { context: object }): void {
  if ((context as Context).place === place) throw new Error(`thrown in ${place}`);
}

/** `at` as an expression. */
function or<T>(place: Place, value: T): (args: { context: object }) => T {
  return (args) => {
    at(place, args);
    return value;
  };
}

const quiet = createMachine({});
const broken = (): boolean => {
  throw new Error('broken');
};

const base = setup({
  types: { context: {} as Context, input: {} as { place: Place } | undefined },
  actors: {
    quiet,
    works: fromPromise(async () => 1),
    fails: fromPromise(() => Promise.reject(new Error('no'))),
    ends: createMachine({
      initial: 'a',
      states: { a: { after: { 5: 'b' } }, b: { type: 'final' } },
    }),
    /** Ends in error on a timer of its own. */
    breaks: createMachine({
      initial: 'a',
      states: { a: { after: { 5: { guard: broken, target: 'b' } } }, b: {} },
    }),
    steps: createMachine({ initial: 'a', states: { a: { after: { 5: 'b' } }, b: {} } }),
  },
  actions: { named: () => {} },
  guards: {
    lets: (args) => {
      at('guard', args);
      return true;
    },
    never: (args) => {
      at('always guard', args);
      return false;
    },
    ends: ({ context: { place } }) => place === 'state output' || place === 'output',
    once: ({ context }) => context.place === 'always assign',
  },
});

/** Gives a machine that takes its one input in state `waiting`. */
function subject(waiting: (taken: object) => object): AnyStateMachine {
  const taken = {
    guard: 'lets',
    target: 'taking',
    actions: [
      assign({ seen: (args) => (at('assign', args), args.context.seen + 1) }),
      { type: 'named', params: or('params', { a: 1 }) },
    ],
  };
  return base
    .createMachine({
      context: ({ input }: { input?: { place: Place } }) => ({ place: input?.place ?? null, seen: 0 }),
      initial: 'waiting',
      states: {
        waiting: { ...waiting(taken), exit: assign(or('exit', {}) as never) } as never,
        taking: {
          entry: [
            assign(or('entry', {})),
            emit(or('emit', { type: 'emitted' })),
            log(or('log', 'logged')),
            raise(or('raise', { type: 'later' }), { delay: 1_000 }),
            sendTo('quiet', or('sendTo', { type: 'hello' })),
            enqueueActions((args) => at('enqueued', args)),
            spawnChild('quiet', { id: 'spawned', input: or('spawn input', null) }),
          ],
          invoke: { id: 'quiet', src: 'quiet', input: or('invoke input', null) as never },
          after: { late: 'waiting' },
          always: [
            { guard: 'never', target: 'waiting' },
            { guard: 'once', target: 'waiting', actions: assign(or('always assign', {})) },
            { guard: 'ends', target: 'end' },
          ],
        },
        end: { type: 'final', output: or('state output', 1) },
      },
      output: or('output', 1),
    } as never)
    .provide({ delays: { late: or('delay', 1_000) } }) as unknown as AnyStateMachine;
}

export const onDone = subject((taken) => ({ invoke: { src: 'works', onDone: taken } }));
export const onError = subject((taken) => ({ invoke: { src: 'fails', onError: taken } }));
export const after = subject((taken) => ({ after: { 10: taken } }));
export const delayed = subject((taken) => ({
  entry: raise({ type: 'due' }, { delay: 10 }),
  on: { due: taken },
}));
export const childDone = subject((taken) => ({ invoke: { src: 'ends', onDone: taken } }));
export const childError = subject((taken) => ({ invoke: { src: 'breaks', onError: taken } }));
export const onSnapshot = subject((taken) => ({ invoke: { src: 'steps', onSnapshot: taken } }));

export const SUBJECTS = { onDone, onError, after, delayed, childDone, childError, onSnapshot };

/** Has one of them as its child, and keeps what it is told of its end. */
export const supervisor = setup({
  types: {
    context: {} as { of: string; place: Place; told: string | null },
    input: {} as { of: string; place: Place },
  },
}).createMachine({
  context: ({ input }: { input: object }) => ({ ...input, told: null }),
  initial: 'choosing',
  states: {
    choosing: {
      always: Object.keys(SUBJECTS).map((name) => ({
        guard: ({ context }: { context: { of: string } }) => context.of === name,
        target: name,
      })),
    },
    ...Object.fromEntries(
      Object.keys(SUBJECTS).map((name) => [
        name,
        {
          invoke: {
            id: 'child',
            src: name,
            input: ({ context }: { context: { place: Place } }) => ({ place: context.place }),
            onError: {
              target: 'told',
              actions: assign({ told: ({ event }) => (event['error'] as Error).message }),
            },
          },
        },
      ]),
    ),
    told: {},
  },
} as never) as unknown as AnyStateMachine;
